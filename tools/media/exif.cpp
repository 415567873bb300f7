#include "tools/media/exif.h"

#include <cstring>

namespace fu {

namespace {

/// Orientation (1 to 8) from a TIFF block, which is how EXIF is stored; 1 where there is none. source: TIFF 6.0
int tiff_orientation(const unsigned char* p, std::size_t n) {
  if (n < 8) return 1;
  const bool little = std::memcmp(p, "II*\0", 4) == 0;
  if (!little && std::memcmp(p, "MM\0*", 4) != 0) return 1;
  const auto number = [&](std::size_t at, int bytes) -> std::size_t {
    std::size_t v = 0;
    for (int i = 0; i < bytes; ++i) v = v << 8 | p[at + static_cast<std::size_t>(little ? bytes - 1 - i : i)];
    return v;
  };
  const std::size_t directory = number(4, 4);
  if (directory > n || n - directory < 2) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + 12 * i;
    if (at > n || n - at < 12) return 1;
    if (number(at, 2) == 0x112) {
      // A short number (type 3) by the standard, a long one (4) or a byte (1) from some programs. Each stands at the
      // field's begin, whatever the order of bytes.
      const std::size_t type = number(at + 2, 2);
      const std::size_t value = type == 4 ? number(at + 8, 4) : type == 1 ? p[at + 8] : number(at + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

/// Turns an array (h,w) of `bytes` bytes a pixel upright.
std::vector<unsigned char> turned(const std::vector<unsigned char>& in, Index h, Index w, Index bytes,
                                  int orientation) {
  const bool swap = orientation >= 5;
  const Index out_h = swap ? w : h, out_w = swap ? h : w;
  std::vector<unsigned char> out(in.size());
  for (Index y = 0; y < out_h; ++y)
    for (Index x = 0; x < out_w; ++x) {
      Index r = swap ? x : y, c = swap ? y : x;  // the pixel that comes here
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) c = w - 1 - c;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) r = h - 1 - r;
      std::memcpy(out.data() + (y * out_w + x) * bytes, in.data() + (r * w + c) * bytes, usize(bytes));
    }
  return out;
}

}  // namespace

int exif_orientation(const unsigned char* p, std::size_t n) {
  if (n >= 4 && p[0] == 0xff && p[1] == 0xd8) {  // JPEG: segments until the image begins
    std::size_t at = 2;
    while (at + 4 <= n && p[at] == 0xff && p[at + 1] != 0xda) {
      if (p[at + 1] == 0xff) {  // any number of these may fill the space before a marker
        ++at;
        continue;
      }
      const std::size_t length = static_cast<std::size_t>(p[at + 2]) << 8 | p[at + 3];
      if (length < 2 || length > n - at - 2) return 1;
      if (p[at + 1] == 0xe1 && length >= 8 && std::memcmp(p + at + 4, "Exif\0\0", 6) == 0)
        return tiff_orientation(p + at + 10, length - 8);
      at += 2 + length;
    }
    return 1;
  }
  if (n >= 8 && std::memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) {  // PNG: an eXIf chunk
    std::size_t at = 8;
    while (at + 12 <= n) {
      const std::size_t length = static_cast<std::size_t>(p[at]) << 24 | static_cast<std::size_t>(p[at + 1]) << 16 |
                                 static_cast<std::size_t>(p[at + 2]) << 8 | p[at + 3];
      if (length > n - at - 12) return 1;
      if (std::memcmp(p + at + 4, "eXIf", 4) == 0) return tiff_orientation(p + at + 8, length);
      at += 12 + length;
    }
  }
  return 1;
}

void turn_upright(Image& image, std::vector<unsigned char>* opacity, int orientation) {
  if (orientation == 1) return;
  const Index h = image.height, w = image.width;
  image.rgb = turned(image.rgb, h, w, 3, orientation);
  if (opacity && !opacity->empty()) *opacity = turned(*opacity, h, w, 1, orientation);
  if (orientation >= 5) std::swap(image.height, image.width);
}

}  // namespace fu
