#include "tools/media/image_io.h"

#include <stb_image_write.h>

#include <cstring>

#include "core/files/read_error.h"
#include "tools/media/decoders.h"
#include "tools/media/exif.h"
#include "tools/media/indexed_png.h"
#include "tools/media/stb_memory.h"
#include "tools/media/whole_file.h"

namespace fu {

void check_pixels(const MappedFile& file, Index w, Index h) {
  constexpr Index kAlwaysFine = Index{1} << 26, kPixelsOfByte = 100;
  require<FileError>(w > 0 && h > 0 && w <= kMaxPixels && h <= kMaxPixels && w * h <= kMaxPixels, file.path(), ": has ",
                     w, "x", h, " pixels, more than ", kMaxPixels, ". Scale it down first.");
  require<FileError>(w * h <= kAlwaysFine || w * h / kPixelsOfByte <= static_cast<Index>(file.size()), file.path(),
                     ": has ", w, "x", h, " pixels in ", file.size(),
                     " bytes, which no photo packs so well. Scale it down first.");
}

void check_size(const MappedFile& file, Index w, Index h, Index channels) {
  check_pixels(file, w, h);
  require<FileError>(w * h * channels <= Index{1100} * static_cast<Index>(file.size()) + 4096, file.path(), ": claims ",
                     w, "x", h, " pixels in ", file.size(), " bytes: it is cut off or damaged.");
}

namespace {

std::string too_large(const MappedFile& file, Index width, Index height, std::size_t bytes, const MemoryError& error) {
  return cat(file.path(), ": has ", width, "x", height, " pixels, and decoding them takes ", (bytes + 999999) / 1000000,
             " MB. ", error.what());
}

}  // namespace

DecodingMemory::DecodingMemory(const MappedFile& file, Index width, Index height, Index bytes) : bytes_(usize(bytes)) {
  try {
    block_ = pool_take(bytes_);
  } catch (const MemoryLimitError& error) {
    throw FileError(too_large(file, width, height, bytes_, error));
  } catch (const MemoryError& error) {  // with more memory the picture may be fine
    throw ReadError(too_large(file, width, height, bytes_, error));
  }
}

std::size_t read_be(const unsigned char* p, int bytes) {
  std::size_t v = 0;
  for (int i = 0; i < bytes; ++i) v = v << 8 | p[i];
  return v;
}

namespace {

bool is_jpeg(const MappedFile& file) { return file.size() >= 3 && std::memcmp(file.data(), "\xff\xd8\xff", 3) == 0; }

bool is_pnm(const MappedFile& file) {
  return file.size() >= 3 && file.data()[0] == 'P' && file.data()[1] && std::strchr("123456", file.data()[1]);
}

}  // namespace

Image read_image(const std::string& path, std::vector<unsigned char>* opacity) {
  return read_image(MappedFile(path), opacity);
}

Image read_image(const MappedFile& file, std::vector<unsigned char>* opacity) {
  if (opacity) opacity->clear();
  require<FileError>(file.size() < (std::size_t{1} << 31), file.path(), ": is larger than 2 GB; no picture is.");
  Image image = is_jpeg(file) ? read_jpeg(file) : is_pnm(file) ? read_pnm(file) : read_stb(file, opacity);
  turn_upright(image, opacity, exif_orientation(file.data(), file.size()));
  if (opacity && opacity->empty()) opacity->assign(usize(image.height * image.width), 255);
  return image;
}

namespace {

constexpr std::size_t kBehindHeader = 8 + 25;  // of a PNG: its signature, and the chunk of its size

/// A chunk that says who wrote a PNG. source: Portable Network Graphics (W3C, 2003), 11.3.4.3
std::string software_chunk() {
  std::string chunk;
  append_png_chunk(chunk, "tEXt", std::string("Software") + '\0' + "featup");
  return chunk;
}

}  // namespace

bool is_own_png(const std::string& path) {
  const MappedFile file(path);
  const std::string chunk = software_chunk();
  return file.size() >= kBehindHeader + chunk.size() &&
         std::memcmp(file.data() + kBehindHeader, chunk.data(), chunk.size()) == 0;
}

std::string encode_png(const Image& image, const std::string& name) {
  // The encoder counts in int, and holds the picture several times.
  require<UsageError>((image.width * 3 + 1) * image.height <= kMaxPixels, name, ": a picture of ", image.height, "x",
                      image.width, " pixels is too large to encode.");
  std::string bytes;
  const auto write = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), usize(size));
  };
  const StbWriterMemory memory;
  const int ok = stbi_write_png_to_func(write, &bytes, static_cast<int>(image.width), static_cast<int>(image.height), 3,
                                        image.rgb.data(), static_cast<int>(image.width * 3));
  require<FileError>(ok != 0, name, ": a picture of ", image.height, "x", image.width, " pixels could not be encoded.");
  bytes.insert(kBehindHeader, software_chunk());
  return bytes;
}

void write_png(const std::string& path, const Image& image) { write_whole_file(path, encode_png(image, path)); }

}  // namespace fu
