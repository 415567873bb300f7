#include "tools/media/image_io.h"

#include <stb_image.h>
#include <stb_image_write.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/files/bytes.h"
#include "tools/media/stb_memory.h"

namespace fu {

namespace {

constexpr Index kMaxPixels = Index{1} << 28;

/// Orientation (1 to 8) from a TIFF block as EXIF holds it; 1 where there is none.
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
      const std::size_t value = number(at + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

int exif_orientation(const unsigned char* p, std::size_t n) {
  if (n >= 4 && p[0] == 0xff && p[1] == 0xd8) {  // JPEG: segments until the image begins
    std::size_t at = 2;
    while (at + 4 <= n && p[at] == 0xff && p[at + 1] != 0xda) {
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

/// Turns the picture upright. Orientations 5 to 8 swap the sides.
Image oriented(Image image, int orientation) {
  if (orientation == 1) return image;
  const Index h = image.height, w = image.width;
  const bool swap = orientation >= 5;
  Image out{swap ? w : h, swap ? h : w, {}};
  out.rgb.resize(image.rgb.size());
  for (Index y = 0; y < out.height; ++y)
    for (Index x = 0; x < out.width; ++x) {
      Index r = swap ? x : y, c = swap ? y : x;  // where this pixel comes from
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) c = w - 1 - c;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) r = h - 1 - r;
      std::memcpy(out.rgb.data() + (y * out.width + x) * 3, image.rgb.data() + (r * w + c) * 3, 3);
    }
  return out;
}

/// Refuses sizes that are absurd, or that so few bytes cannot hold: no format packs more than about 1100 values into a
/// byte.
void check_size(const MappedFile& file, Index w, Index h, Index channels) {
  require<FileError>(w * h <= kMaxPixels, file.path(), ": has ", w, "x", h, " pixels, more than ", kMaxPixels,
                     ". Scale it down first.");
  require<FileError>(w * h * channels <= Index{1100} * static_cast<Index>(file.size()) + 4096, file.path(), ": claims ",
                     w, "x", h, " pixels in ", file.size(), " bytes: it is cut off or damaged.");
}

std::size_t big_endian(const unsigned char* p, int bytes) {
  std::size_t v = 0;
  for (int i = 0; i < bytes; ++i) v = v << 8 | p[i];
  return v;
}

/// Checks the sums of a PNG's chunks: the decoder does not, and would turn spoilt bytes into spoilt pixels.
void check_png(const MappedFile& file) {
  std::uint32_t table[256];
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  // Deflate packs at most 1032 bytes into one.
  require<FileError>(file.size() >= 33, file.path(), ": is cut off.");
  const std::size_t w = big_endian(file.data() + 16, 4), h = big_endian(file.data() + 20, 4), depth = file.data()[24],
                    kind = file.data()[25];
  const std::size_t samples = kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
  require<FileError>((w * samples * depth / 8 + 1) * h <= 1032 * file.size(), file.path(), ": claims ", w, "x", h,
                     " pixels in ", file.size(), " bytes: it is cut off or damaged.");
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = big_endian(file.data() + at, 4);
    require<FileError>(length <= file.size() - at - 12, file.path(), ": is cut off inside a chunk.");
    std::uint32_t crc = ~std::uint32_t{0};
    for (std::size_t i = at + 4; i < at + 8 + length; ++i) crc = table[(crc ^ file.data()[i]) & 255] ^ crc >> 8;
    require<FileError>((crc ^ ~std::uint32_t{0}) == big_endian(file.data() + at + 8 + length, 4), file.path(),
                       ": is damaged: the check sum of a chunk is wrong.");
    if (file.text(at + 4, 4) == "IEND") return;
    at += 12 + length;
  }
  throw FileError(file.path() + ": is cut off: its last chunk is missing.");
}

/// PGM and PPM, plain or raw, up to 16 bits. source: netpbm.sourceforge.net/doc/ppm.html
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
  const Index w = number(), h = number(), highest = number();
  require<FileError>(w > 0 && h > 0 && highest > 0 && highest < 65536, file.path(),
                     ": has no valid PGM or PPM header.");
  const Index channels = kind == '3' || kind == '6' ? 3 : 1, bytes = highest > 255 ? 2 : 1;
  const bool plain = kind == '2' || kind == '3';
  require<FileError>(w <= kMaxPixels && h <= kMaxPixels && w * h <= kMaxPixels, file.path(), ": has ", w, "x", h,
                     " pixels, more than ", kMaxPixels, ". Scale it down first.");
  ++at;  // one white space ends a raw header
  require<FileError>(at <= file.size() && static_cast<std::size_t>(w * h * channels * (plain ? 1 : bytes)) <=
                                              file.size() - at + (plain ? 1 : 0),
                     file.path(), ": claims ", w, "x", h, " pixels in ", file.size(),
                     " bytes: it is cut off or damaged.");
  Image image{h, w, {}};
  image.rgb.resize(static_cast<std::size_t>(w * h * 3));
  for (Index i = 0; i < w * h * channels; ++i) {
    Index v = 0;
    if (plain) {
      v = number();
      require<FileError>(v >= 0, file.path(), ": is cut off: it ends before its last pixel.");
    } else {
      v = static_cast<Index>(big_endian(file.data() + at, static_cast<int>(bytes)));
      at += static_cast<std::size_t>(bytes);
    }
    const auto level = static_cast<unsigned char>((std::min(v, highest) * 255 + highest / 2) / highest);
    if (channels == 3)
      image.rgb[static_cast<std::size_t>(i)] = level;
    else
      std::fill_n(image.rgb.begin() + i * 3, 3, level);
  }
  return image;
}

/// A file as a stream that notices when more is asked for than there is: the decoders of plain formats would go on with
/// zeros.
struct Stream {
  const MappedFile& file;
  std::size_t at = 0;
  bool starved = false;

  static constexpr int kBuffer =
      128;  // the decoder fills its buffer in runs of this; only other short reads mean that data is missing
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

Image read_jpeg(const MappedFile& file) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  require<FileError>(decoder != nullptr, file.path(), ": no memory to decode it.");
  const auto size = static_cast<unsigned long>(file.size());
  const auto reason = [&] {
    const std::string text = tjGetErrorStr2(decoder.get());
    return text == "No error" ? std::string("there is no whole header in it") : text;
  };
  int w = 0, h = 0, sampling = 0, colors = 0;
  require<FileError>(
      tjDecompressHeader3(decoder.get(), file.data(), size, &w, &h, &sampling, &colors) == 0 && w > 0 && h > 0,
      file.path(), ": is damaged: ", printable(reason()), ".");
  check_size(file, w, h, 3);
  require<FileError>(colors != TJCS_CMYK && colors != TJCS_YCCK, file.path(),
                     ": is a CMYK JPEG, made for print. Save it as RGB.");
  Image image{h, w, {}};
  image.rgb.resize(static_cast<std::size_t>(Index{w} * h * 3));
  const int failed = tjDecompress2(decoder.get(), file.data(), size, image.rgb.data(), w, 0, h, TJPF_RGB,
                                   TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  // A warning means that data is missing or spoilt and grey was put in its place: not what anybody wants features of.
  require<FileError>(failed == 0, file.path(), ": cannot be decoded: ", printable(reason()),
                     ". It is cut off or damaged; a viewer may be able to save it anew.");
  return image;
}

/// The picture over white; opacity is filled if it is wanted and there is some.
Image read_over_white(const std::string& path, std::vector<unsigned char>* opacity) {
  const MappedFile file(path);
  require<FileError>(file.size() < (std::size_t{1} << 31), path, ": is larger than 2 GB; no picture is.");
  if (file.size() >= 3 && std::memcmp(file.data(), "\xff\xd8\xff", 3) == 0)
    return oriented(read_jpeg(file), exif_orientation(file.data(), file.size()));
  const auto length = static_cast<int>(file.size());
  if (file.size() >= 3 && file.data()[0] == 'P' && std::strchr("2356", file.data()[1]) && file.data()[1])
    return read_pnm(file);
  int w = 0, h = 0, channels = 0;
  stb_limit(std::size_t{64} << 20);
  require<FileError>(stbi_info_from_memory(file.data(), length, &w, &h, &channels) != 0 && w > 0 && h > 0, path,
                     ": is not a PNG, JPEG, BMP, TGA, PGM or PPM picture, or is damaged.");
  const Index pixels = Index{w} * h;
  const bool png = file.size() >= 8 && std::memcmp(file.data(), "\x89PNG", 4) == 0;
  if (png) {
    require<FileError>(pixels <= kMaxPixels, path, ": has ", w, "x", h, " pixels, more than ", kMaxPixels,
                       ". Scale it down first.");
    check_png(file);
  } else {
    check_size(file, w, h, channels);
  }
  // Room for 16-bit RGBA and its filter bytes, or the file's own data; what inflates beyond that is no picture.
  stb_limit(static_cast<std::size_t>(pixels) * 9 + static_cast<std::size_t>(h) * 16 + file.size() +
            (std::size_t{1} << 20));
  const stbi_io_callbacks callbacks{Stream::read, Stream::skip, Stream::eof};
  Stream stream{file};
  const bool deep = stbi_is_16_bit_from_memory(file.data(), length) != 0;
  const bool alpha = channels == 2 || channels == 4;
  const int want = alpha ? 4 : 3;
  Image image{h, w, {}};
  const auto fill = [&](const auto* data, double highest) {
    image.rgb.resize(static_cast<std::size_t>(pixels * 3));
    for (Index p = 0; p < pixels; ++p)
      for (Index c = 0; c < 3; ++c) {
        const double opacity = alpha ? static_cast<double>(data[p * want + 3]) / highest : 1;
        const double value = static_cast<double>(data[p * want + c]) / highest * opacity + (1 - opacity);
        image.rgb[static_cast<std::size_t>(p * 3 + c)] = static_cast<unsigned char>(value * 255 + 0.5);
      }
    for (Index p = 0; opacity && alpha && p < pixels; ++p)
      opacity->push_back(static_cast<unsigned char>(static_cast<double>(data[p * want + 3]) / highest * 255 + 0.5));
  };
  bool decoded = false;
  if (deep) {
    const std::unique_ptr<stbi_us, void (*)(void*)> data(
        stbi_load_16_from_callbacks(&callbacks, &stream, &w, &h, &channels, want), stbi_image_free);
    if ((decoded = data != nullptr)) fill(data.get(), 65535);
  } else {
    const std::unique_ptr<stbi_uc, void (*)(void*)> data(
        stbi_load_from_callbacks(&callbacks, &stream, &w, &h, &channels, want), stbi_image_free);
    decoded = data != nullptr;
    if (decoded && alpha) fill(data.get(), 255);
    if (decoded && !alpha) image.rgb.assign(data.get(), data.get() + pixels * 3);
  }
  const char* reason = stbi_failure_reason();
  require<FileError>(decoded, path, ": cannot be decoded: ", printable(reason ? reason : "damaged"),
                     ". It is cut off or damaged.");
  require<FileError>(!stream.starved, path, ": is cut off: it ends before its last pixel.");
  require<FileError>(Index{w} == image.width && Index{h} == image.height, path,
                     ": is damaged: its size changes while it is decoded.");
  return oriented(std::move(image), exif_orientation(file.data(), file.size()));
}

}  // namespace

Image read_image(const std::string& path, std::vector<unsigned char>* opacity) {
  if (opacity) opacity->clear();
  const Image image = read_over_white(path, opacity);
  if (opacity && opacity->empty()) opacity->assign(static_cast<std::size_t>(image.height * image.width), 255);
  return image;
}

std::string encode_png(const Image& image, const std::string& name) {
  // The encoder counts in int, and holds the picture several times.
  require<UsageError>((image.width * 3 + 1) * image.height <= kMaxPixels, name, ": a picture of ", image.height, "x",
                      image.width, " pixels is too large to encode.");
  struct Sink {
    std::string bytes;
    bool failed = false;
  } sink;
  // The library is C: an exception must not cross it.
  const auto write = [](void* context, void* data, int size) {
    auto* s = static_cast<Sink*>(context);
    try {
      s->bytes.append(static_cast<const char*>(data), static_cast<std::size_t>(size));
    } catch (const std::bad_alloc&) {
      s->failed = true;
    }
  };
  const int ok = stbi_write_png_to_func(write, &sink, static_cast<int>(image.width), static_cast<int>(image.height), 3,
                                        image.rgb.data(), static_cast<int>(image.width * 3));
  require<FileError>(ok != 0 && !sink.failed, name, ": a picture of ", image.height, "x", image.width,
                     " pixels could not be encoded.");
  return std::move(sink.bytes);
}

void write_png(const std::string& path, const Image& image) {
  OutputFile file(path);
  const std::string bytes = encode_png(image, path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace fu
