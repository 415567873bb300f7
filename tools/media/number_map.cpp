#include "tools/media/number_map.h"

#include <stb_image.h>

#include <cmath>
#include <limits>
#include <memory>

#include "core/files/weights.h"
#include "tools/media/decoders.h"
#include "tools/media/exif.h"
#include "tools/media/stb_memory.h"

namespace fu {

namespace {

constexpr const char* kRemedy = ". Save numbers as a grey PNG of 16 bits, or as .npy of (H,W) or (H,W,K).";

bool is_npy(const MappedFile& file) { return file.size() >= 8 && file.text(0, 6) == "\x93NUMPY"; }

Tensor read_npy_map(const std::string& path) {
  const Weights file(path);
  const Tensor all = file.read_single();
  const Shape& s = all.shape();
  require<FileError>((s.rank() == 2 || s.rank() == 3) && s.elements() > 0, path, ": its array has the shape ", s,
                     "; numbers of pixels are (H,W) or (H,W,K).");
  return all.reshape({s[0], s[1], s.rank() == 3 ? s[2] : 1});
}

Tensor read_deep_png(const MappedFile& file) {
  check_png(file);
  const int kind = file.data()[kPngKind];
  require<FileError>(kind == 0 || kind == 2, file.path(), ": has transparency or a palette, and is no map of numbers",
                     kRemedy);
  require<FileError>(exif_orientation(file.data(), file.size()) == 1, file.path(),
                     ": is to be turned, as its EXIF orientation says; numbers are read as they lie. Turn it first.");
  const auto w = static_cast<Index>(read_be(file.data() + 16, 4)), h = static_cast<Index>(read_be(file.data() + 20, 4));
  check_pixels(file, w, h);
  const Index k = kind == 2 ? 3 : 1;
  const DecodingMemory memory(file, w, h, w * h * k * 4);
  stb_limit(usize(w * h) * 9 + usize(h) * 16 + file.size() + (std::size_t{1} << 20));
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_us, void (*)(void*)> levels(
      stbi_load_16_from_memory(file.data(), static_cast<int>(file.size()), &width, &height, &channels,
                               static_cast<int>(k)),
      stbi_image_free);
  require<FileError>(levels && width == w && height == h, file.path(),
                     ": cannot be decoded. It is cut off or damaged.");
  Tensor values({h, w, k});
  for (Index p = 0; p < h * w; ++p) {
    const stbi_us* from = levels.get() + p * k;
    real* to = values.data() + p * k;
    bool some = false;
    for (Index c = 0; c < k; ++c) to[c] = static_cast<real>(from[c]), some = some || from[c] != 0;
    for (Index c = 0; c < k && !some; ++c) to[c] = std::numeric_limits<real>::quiet_NaN();
  }
  return values;
}

}  // namespace

bool is_number_map(const std::string& path) {
  const MappedFile file(path);
  return is_npy(file) || (is_png(file) && file.data()[kPngBits] == 16);
}

NumberMap read_number_map(const std::string& path) {
  NumberMap map;
  {
    const MappedFile file(path);
    require<FileError>(file.size() < (std::size_t{1} << 31), path, ": is larger than 2 GB; no map of a photo is.");
    const bool npy = is_npy(file), deep = is_png(file) && file.data()[kPngBits] == 16;
    require<FileError>(npy || deep, path, is_png(file) ? ": has 8 bits a pixel or fewer" : ": is no PNG and no .npy",
                       ", so that it is no map of numbers", kRemedy);
    map.values = npy ? read_npy_map(path) : read_deep_png(file);
  }
  const Index n = map.values.dim(0) * map.values.dim(1), k = map.values.dim(2);
  map.known.resize(usize(n));
  for (Index p = 0; p < n; ++p) {
    real* x = map.values.data() + p * k;
    bool known = true;
    for (Index c = 0; c < k; ++c) known = known && std::isfinite(x[c]);
    for (Index c = 0; c < k && !known; ++c) x[c] = std::numeric_limits<real>::quiet_NaN();
    map.known[usize(p)] = known;
  }
  return map;
}

}  // namespace fu
