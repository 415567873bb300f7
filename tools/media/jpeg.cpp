#include <turbojpeg.h>

#include <memory>
#include <new>

#include "tools/media/decoders.h"

namespace fu {

namespace {

/// A copy of a sequential JPEG whose scans say what sequential ones must: coefficients 0 to 63, all their bits. Some
/// cameras write zeros there. Every decoder passes over these bytes but warns, and a warning would hide that data is
/// missing further on. Empty for a progressive JPEG, where the bytes have a meaning. source: ITU-T T.81, B.2.3
std::vector<unsigned char> with_valid_scans(const MappedFile& file) {
  std::vector<unsigned char> copy(file.data(), file.data() + file.size());
  bool sequential = false;
  for (std::size_t at = 2; at + 4 <= copy.size();) {
    const unsigned char marker = copy[at + 1];
    // Data of a scan, fill bytes, and markers without a length.
    if (copy[at] != 0xff || marker == 0 || marker == 0xff || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      ++at;
      continue;
    }
    if (marker == 0xd9) break;
    const std::size_t length = static_cast<std::size_t>(copy[at + 2]) << 8 | copy[at + 3];
    if (length > copy.size() - at - 2) break;
    if (marker >= 0xc0 && marker <= 0xc2) sequential = marker != 0xc2;
    if (marker == 0xda && sequential && length >= 6) {
      unsigned char* last = copy.data() + at + 2 + length - 3;
      last[0] = 0, last[1] = 63, last[2] = 0;
    }
    at += 2 + length;
  }
  return sequential ? copy : std::vector<unsigned char>();
}

/// Whether the frame that the first marker of a frame announces comes in passes over the whole picture.
bool is_progressive(const MappedFile& file) {
  for (std::size_t at = 2; at + 4 <= file.size();) {
    const unsigned char* p = file.data() + at;
    if (p[0] != 0xff || p[1] == 0xff || p[1] == 0 || p[1] == 1 || (p[1] >= 0xd0 && p[1] <= 0xd8)) {
      ++at;
      continue;
    }
    const bool table = p[1] == 0xc4 || p[1] == 0xc8 || p[1] == 0xcc;
    if (p[1] >= 0xc0 && p[1] <= 0xcf && !table) return p[1] == 0xc2 || p[1] == 0xc6 || p[1] == 0xca || p[1] == 0xce;
    at += 2 + (static_cast<std::size_t>(p[2]) << 8 | p[3]);
  }
  return false;
}

/// What the library says of its last failure on this thread: also of an earlier one, so this is to be asked after a
/// failure only. throws std::bad_alloc if it was short of memory ("Insufficient memory", "Memory allocation failure").
std::string failure_of(tjhandle decoder) {
  const std::string text = tjGetErrorStr2(decoder);
  if (text.find("emory") != std::string::npos) throw std::bad_alloc();
  return text == "No error" ? "there is no whole header in it" : printable(text);
}

}  // namespace

Image read_jpeg(const MappedFile& file) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) throw std::bad_alloc();
  const auto size = static_cast<unsigned long>(file.size());
  int w = 0, h = 0, sampling = 0, colors = 0;
  if (tjDecompressHeader3(decoder.get(), file.data(), size, &w, &h, &sampling, &colors) != 0 || w <= 0 || h <= 0)
    throw FileError(cat(file.path(), ": is damaged: ", failure_of(decoder.get()), "."));
  check_size(file, w, h, 3);
  require<FileError>(colors != TJCS_CMYK && colors != TJCS_YCCK, file.path(),
                     ": is a CMYK JPEG, made for print. Save it as RGB.");
  // A progressive one is kept as coefficients of two bytes until all scans are read.
  const Index bytes = is_progressive(file) ? 9 : 3;
  const DecodingMemory memory(file, w, h, Index{w} * h * bytes);
  Image image{h, w, {}};
  image.rgb.resize(usize(Index{w} * h * 3));
  const auto decode = [&](const unsigned char* bytes) {
    return tjDecompress2(decoder.get(), bytes, size, image.rgb.data(), w, 0, h, TJPF_RGB,
                         TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  };
  int failed = decode(file.data());
  std::string failure = failed != 0 ? failure_of(decoder.get()) : "";
  if (failure.find("Invalid SOS parameters") != std::string::npos) {
    const std::vector<unsigned char> valid = with_valid_scans(file);
    if (!valid.empty()) failed = decode(valid.data());
    if (failed != 0) failure = failure_of(decoder.get());
  }
  // A warning means that data is missing or damaged, and that the decoder put grey in its place.
  require<FileError>(failed == 0, file.path(), ": cannot be decoded: ", failure,
                     ". It is cut off or damaged; a viewer may be able to save it anew.");
  return image;
}

}  // namespace fu
