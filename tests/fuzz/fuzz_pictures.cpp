// Decoders of pictures, and the EXIF orientation by itself.
#include "tests/fuzz/fuzz.h"
#include "tools/media/exif.h"
#include "tools/media/image_io.h"

namespace fu::fuzz {

void fuzz_picture(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  const FileInMemory file(data, size);
  refuse_or_succeed([&] {
    std::vector<unsigned char> opacity;
    read_image(file.path(), &opacity);
  });
}

void fuzz_exif(const unsigned char* data, std::size_t size) {
  const int orientation = exif_orientation(data, size);
  if (orientation < 1 || orientation > 8) std::abort();
}

}  // namespace fu::fuzz
