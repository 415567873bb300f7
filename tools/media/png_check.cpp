#include "tools/media/decoders.h"

namespace fu {

bool is_png(const MappedFile& file) {
  return file.size() >= 33 && file.text(0, 8) == "\x89PNG\r\n\x1a\n" && file.text(12, 4) == "IHDR";
}

void check_png(const MappedFile& file) {
  std::uint32_t table[256];
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  // Deflate packs at most 1032 bytes into one.
  require<FileError>(file.size() >= 33, file.path(), ": is cut off.");
  const std::size_t w = read_be(file.data() + 16, 4), h = read_be(file.data() + 20, 4), depth = file.data()[kPngBits],
                    kind = file.data()[kPngKind];
  const std::size_t samples = kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
  require<FileError>((w * samples * depth / 8 + 1) * h <= 1032 * file.size(), file.path(), ": claims ", w, "x", h,
                     " pixels in ", file.size(), " bytes: it is cut off or damaged.");
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = read_be(file.data() + at, 4);
    require<FileError>(length <= file.size() - at - 12, file.path(), ": is cut off inside a chunk.");
    // Names of chunks that a decoder may pass over begin with a small letter. Of those, transparency and orientation
    // change pixels; texts, times and profiles do not, and a wrong sum there is no reason to refuse the picture.
    const std::string_view name = file.text(at + 4, 4);
    const bool matters = (name[0] & 32) == 0 || name == "tRNS" || name == "eXIf";
    std::uint32_t crc = ~std::uint32_t{0};
    for (std::size_t i = at + 4; matters && i < at + 8 + length; ++i)
      crc = table[(crc ^ file.data()[i]) & 255] ^ crc >> 8;
    require<FileError>(!matters || (crc ^ ~std::uint32_t{0}) == read_be(file.data() + at + 8 + length, 4), file.path(),
                       ": is damaged: the check sum of a chunk is wrong.");
    if (name == "IEND") return;
    at += 12 + length;
  }
  throw FileError(file.path() + ": is cut off: its last chunk is missing.");
}

}  // namespace fu
