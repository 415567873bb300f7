#include <algorithm>
#include <cstring>

#include "tools/media/decoders.h"

namespace fu {

namespace {

/// The pixels of a PBM behind its header: 1 is black. Raw rows begin at whole bytes; plain digits need no space
/// between.
Image read_bitmap(const MappedFile& file, std::size_t at, Index h, Index w, bool plain) {
  const Index row_bytes = (w + 7) / 8;
  if (!plain) ++at;  // one white space ends a raw header
  require<FileError>(at <= file.size() && usize(plain ? w * h : row_bytes * h) <= file.size() - at, file.path(),
                     ": claims ", w, "x", h, " pixels in ", file.size(), " bytes: it is cut off or damaged.");
  const DecodingMemory memory(file, w, h, w * h * 3);
  Image image{h, w, {}};
  image.rgb.resize(usize(w * h * 3));
  for (Index i = 0; i < w * h; ++i) {
    bool black = false;
    if (plain) {
      while (at < file.size() && file.data()[at] != '0' && file.data()[at] != '1') {
        const bool comment = file.data()[at] == '#';
        require<FileError>(comment || std::strchr(" \t\r\n\v\f", file.data()[at]), file.path(),
                           ": has a pixel that is neither 0 nor 1.");
        while (comment && at < file.size() && file.data()[at] != '\n') ++at;
        if (at < file.size()) ++at;
      }
      require<FileError>(at < file.size(), file.path(), ": is cut off: it ends before its last pixel.");
      black = file.data()[at++] == '1';
    } else {
      black = file.data()[at + usize(i / w * row_bytes + i % w / 8)] >> (7 - i % w % 8) & 1;
    }
    std::fill_n(image.rgb.begin() + i * 3, 3, static_cast<unsigned char>(black ? 0 : 255));
  }
  return image;
}

}  // namespace

Image read_pnm(const MappedFile& file) {
  std::size_t at = 2;
  const char kind = static_cast<char>(file.data()[1]);
  const auto number = [&]() -> Index {  // the next number, behind white space and comments; -1 if there is none
    for (; at < file.size(); ++at) {
      if (file.data()[at] == '#')
        while (at < file.size() && file.data()[at] != '\n') ++at;
      else if (file.data()[at] < '0' || file.data()[at] > '9') {
        if (!std::strchr(" \t\r\n\v\f", file.data()[at])) return -1;
        continue;
      } else
        break;
    }
    Index n = -1;
    for (; at < file.size() && file.data()[at] >= '0' && file.data()[at] <= '9' && n < 100000000; ++at)
      n = (n < 0 ? 0 : n * 10) + (file.data()[at] - '0');
    return n;
  };
  const bool bitmap = kind == '1' || kind == '4';
  const Index w = number(), h = number(), highest = bitmap ? 1 : number();
  require<FileError>(w > 0 && h > 0 && highest > 0 && highest < 65536, file.path(),
                     ": has no valid PBM, PGM or PPM header.");
  const Index channels = kind == '3' || kind == '6' ? 3 : 1, bytes = highest > 255 ? 2 : 1;
  const bool plain = kind == '2' || kind == '3';
  require<FileError>(w <= kMaxPixels && h <= kMaxPixels && w * h <= kMaxPixels, file.path(), ": has ", w, "x", h,
                     " pixels, more than ", kMaxPixels, ". Scale it down first.");
  if (bitmap) return read_bitmap(file, at, h, w, kind == '1');
  ++at;  // one white space ends a raw header
  require<FileError>(
      at <= file.size() && usize(w * h * channels * (plain ? 1 : bytes)) <= file.size() - at + (plain ? 1 : 0),
      file.path(), ": claims ", w, "x", h, " pixels in ", file.size(), " bytes: it is cut off or damaged.");
  const DecodingMemory memory(file, w, h, w * h * 3);
  Image image{h, w, {}};
  image.rgb.resize(usize(w * h * 3));
  for (Index i = 0; i < w * h * channels; ++i) {
    Index v = 0;
    if (plain) {
      v = number();
      require<FileError>(v >= 0, file.path(), ": is cut off: it ends before its last pixel.");
    } else {
      v = static_cast<Index>(read_be(file.data() + at, static_cast<int>(bytes)));
      at += usize(bytes);
    }
    const auto level = static_cast<unsigned char>((std::min(v, highest) * 255 + highest / 2) / highest);
    if (channels == 3)
      image.rgb[usize(i)] = level;
    else
      std::fill_n(image.rgb.begin() + i * 3, 3, level);
  }
  return image;
}

}  // namespace fu
