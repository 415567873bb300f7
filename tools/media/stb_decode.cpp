#include <stb_image.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "tools/media/decoders.h"
#include "tools/media/label_picture.h"
#include "tools/media/stb_memory.h"

namespace fu {

namespace {

/// A file as a stream that notices when more is asked for than there is. Without it the decoders of BMP and TGA would
/// go on with zeros.
struct Stream {
  const MappedFile& file;
  std::size_t at = 0;
  bool starved = false;

  // The decoder fills its buffer in runs of this many bytes; only other short reads mean that data is missing.
  static constexpr int kBuffer = 128;
  static int read(void* user, char* data, int size) {
    auto* s = static_cast<Stream*>(user);
    const auto n = static_cast<int>(std::min<std::size_t>(s->file.size() - s->at, static_cast<std::size_t>(size)));
    std::memcpy(data, s->file.data() + s->at, static_cast<std::size_t>(n));
    s->at += static_cast<std::size_t>(n);
    s->starved = s->starved || n == 0 || (n < size && size != kBuffer);
    return n;
  }
  static void skip(void* user, int n) {
    auto* s = static_cast<Stream*>(user);
    if (n < 0) {
      s->at -= std::min(s->at, static_cast<std::size_t>(-static_cast<Index>(n)));
    } else {
      s->starved = s->starved || static_cast<std::size_t>(n) > s->file.size() - s->at;
      s->at = std::min(s->file.size(), s->at + static_cast<std::size_t>(n));
    }
  }
  static int eof(void* user) {
    const auto* s = static_cast<Stream*>(user);
    return s->at >= s->file.size();
  }
};

/// Pixels of 1 or 2 bytes a value, RGB or RGBA (channels), laid over white. opacity: if not null, the alpha channel as
/// bytes is put there.
template <class T>
void lay_over_white(const T* data, int channels, double highest, Image& image, std::vector<unsigned char>* opacity) {
  const Index pixels = image.height * image.width;
  const bool alpha = channels == 4;
  image.rgb.resize(usize(pixels * 3));
  for (Index p = 0; p < pixels; ++p)
    for (Index c = 0; c < 3; ++c) {
      const double share = alpha ? static_cast<double>(data[p * channels + 3]) / highest : 1;
      const double value = static_cast<double>(data[p * channels + c]) / highest * share + (1 - share);
      image.rgb[usize(p * 3 + c)] = static_cast<unsigned char>(value * 255 + 0.5);
    }
  for (Index p = 0; opacity && alpha && p < pixels; ++p)
    opacity->push_back(static_cast<unsigned char>(static_cast<double>(data[p * channels + 3]) / highest * 255 + 0.5));
}

/// Size and channels of the picture, once they are plausible.
void read_header(const MappedFile& file, int& w, int& h, int& channels) {
  const auto length = static_cast<int>(file.size());
  stb_limit(std::size_t{64} << 20);
  const bool known = stbi_info_from_memory(file.data(), length, &w, &h, &channels) != 0;
  if (!known && stb_ran_out()) throw std::bad_alloc();
  // A BMP whose rows go from top to bottom has a negative height, and the library passes it on.
  if (known && h < 0 && h > std::numeric_limits<int>::min() && file.text(0, 2) == "BM") h = -h;
  require<FileError>(known && w > 0 && h > 0, file.path(),
                     ": is not a PNG, JPEG, BMP, TGA, PBM, PGM or PPM picture, or is damaged.");
  const Index pixels = Index{w} * h;
  if (file.size() >= 8 && std::memcmp(file.data(), "\x89PNG", 4) == 0) {
    check_pixels(file, w, h);
    check_png(file);
    if (has_palette(file)) check_palette(file);
  } else {
    check_size(file, w, h, channels);
  }
  // From now on: room for 16-bit RGBA and its filter bytes, or for the file's own data. What inflates beyond that is
  // damaged.
  stb_limit(usize(pixels) * 9 + usize(h) * 16 + file.size() + (std::size_t{1} << 20));
}

}  // namespace

Image read_stb(const MappedFile& file, std::vector<unsigned char>* opacity) {
  int w = 0, h = 0, channels = 0;
  read_header(file, w, h, channels);
  const stbi_io_callbacks callbacks{Stream::read, Stream::skip, Stream::eof};
  Stream stream{file};
  const bool deep = stbi_is_16_bit_from_memory(file.data(), static_cast<int>(file.size())) != 0;
  const bool alpha = channels == 2 || channels == 4;
  const int want = alpha ? 4 : 3;
  // At its peak the decoder holds two copies, before and after a conversion; later one and the result.
  const Index bytes = deep ? 2 : 1, copies = want * bytes + std::max<Index>(channels * bytes + 1, alpha ? 4 : 3);
  const DecodingMemory memory(file, w, h, Index{w} * h * copies + static_cast<Index>(file.size()));
  Image image{h, w, {}};
  bool decoded = false;
  if (deep) {
    const std::unique_ptr<stbi_us, void (*)(void*)> data(
        stbi_load_16_from_callbacks(&callbacks, &stream, &w, &h, &channels, want), stbi_image_free);
    if ((decoded = data != nullptr)) lay_over_white(data.get(), want, 65535, image, opacity);
  } else {
    const std::unique_ptr<stbi_uc, void (*)(void*)> data(
        stbi_load_from_callbacks(&callbacks, &stream, &w, &h, &channels, want), stbi_image_free);
    decoded = data != nullptr;
    if (decoded && alpha) lay_over_white(data.get(), want, 255, image, opacity);
    if (decoded && !alpha) image.rgb.assign(data.get(), data.get() + image.height * image.width * 3);
  }
  if (!decoded && stb_ran_out()) throw std::bad_alloc();
  const char* reason = stbi_failure_reason();
  require<FileError>(decoded, file.path(), ": cannot be decoded: ", printable(reason ? reason : "damaged"),
                     ". It is cut off or damaged.");
  require<FileError>(!stream.starved, file.path(), ": is cut off: it ends before its last pixel.");
  require<FileError>(Index{w} == image.width && Index{h} == image.height, file.path(),
                     ": is damaged: its size changes while it is decoded.");
  return image;
}

}  // namespace fu
