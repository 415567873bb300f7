#include "tools/media/label_picture.h"

#include <stb_image.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "tools/media/decoders.h"
#include "tools/media/exif.h"
#include "tools/media/image_io.h"
#include "tools/media/stb_memory.h"

namespace fu {

namespace {

/// Colours in the palette of a PNG.
Index palette_size(const MappedFile& file) {
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = read_be(file.data() + at, 4);
    if (length > file.size() - at - 12) break;
    if (file.text(at + 4, 4) == "PLTE") return static_cast<Index>(length / 3);
    at += 12 + length;
  }
  return 0;
}

}  // namespace

bool has_palette(const MappedFile& file) { return is_png(file) && file.data()[kPngKind] == 3; }

Image read_palette_indices(const MappedFile& file) {
  check_png(file);
  const auto w = static_cast<Index>(read_be(file.data() + 16, 4)), h = static_cast<Index>(read_be(file.data() + 20, 4));
  check_pixels(file, w, h);
  const DecodingMemory memory(file, w, h, w * h * 4 + static_cast<Index>(file.size()));
  // The decoder gives colours. Called grey, and its palette and transparency called something to be passed over, the
  // same data are the numbers themselves; those of fewer than 8 bits are spread to 0 to 255.
  std::vector<unsigned char> grey(file.data(), file.data() + file.size());
  grey[kPngKind] = 0;
  for (std::size_t at = 8; at + 12 <= grey.size();) {
    const std::size_t length = read_be(grey.data() + at, 4);
    if (length > grey.size() - at - 12) break;
    if (std::memcmp(grey.data() + at + 4, "PLTE", 4) == 0) std::memcpy(grey.data() + at + 4, "plTE", 4);
    if (std::memcmp(grey.data() + at + 4, "tRNS", 4) == 0) std::memcpy(grey.data() + at + 4, "trNS", 4);
    at += 12 + length;
  }
  stb_limit(usize(w * h) * 4 + usize(h) * 16 + file.size() + (std::size_t{1} << 20));
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> levels(
      stbi_load_from_memory(grey.data(), static_cast<int>(grey.size()), &width, &height, &channels, 1),
      stbi_image_free);
  require<FileError>(levels && width == w && height == h, file.path(),
                     ": cannot be decoded. It is cut off or damaged.");
  const int bits = file.data()[kPngBits], spread = bits < 8 ? 255 / ((1 << bits) - 1) : 1;
  Image image{h, w, {}};
  image.rgb.resize(usize(w * h * 3));
  for (Index i = 0; i < w * h; ++i)
    std::fill_n(image.rgb.begin() + 3 * i, 3, static_cast<unsigned char>(levels.get()[i] / spread));
  return image;
}

void check_palette(const MappedFile& file) {
  const Index colours = palette_size(file);
  if (colours >= Index{1} << file.data()[kPngBits]) return;
  const Image indices = read_palette_indices(file);
  const int highest = *std::max_element(indices.rgb.begin(), indices.rgb.end());
  require<FileError>(highest < colours, file.path(), ": is damaged: a pixel has colour ", highest, " of a palette of ",
                     colours, ".");
}

Image read_label_picture(const std::string& path) {
  const MappedFile file(path);
  require<FileError>(file.size() < (std::size_t{1} << 31), path, ": is larger than 2 GB; no picture is.");
  if (has_palette(file)) {
    Image image = read_palette_indices(file);
    turn_upright(image, nullptr, exif_orientation(file.data(), file.size()));
    return image;
  }
  constexpr const char* kRemedy = ". Save a class a pixel, as a grey picture of 8 bits or as a PNG with a palette.";
  require<FileError>(!is_png(file) || file.data()[kPngBits] <= 8, path,
                     ": has 16 bits a pixel, which are more than 256 "
                     "classes",
                     kRemedy);
  std::vector<unsigned char> opacity;
  Image image = read_image(path, &opacity);
  for (std::size_t p = 0; p < opacity.size(); ++p) {
    const unsigned char* c = image.rgb.data() + 3 * p;
    require<FileError>(c[0] == c[1] && c[1] == c[2], path, ": is a picture of colours, not of classes", kRemedy);
    require<FileError>(opacity[p] == 255, path, ": has transparent pixels, which have no class", kRemedy);
  }
  return image;
}

}  // namespace fu
