#include "core/files/gzip.h"

#include <zlib.h>

#include <memory>
#include <new>

namespace fu {

bool is_gzip(const MappedFile& file) { return file.size() >= 2 && file.data()[0] == 0x1f && file.data()[1] == 0x8b; }

std::string gunzip(const MappedFile& file, std::size_t most) {
  constexpr int kGzip = 16;
  constexpr std::size_t kStep = std::size_t{1} << 16, kMostPacked = std::size_t{1} << 30;
  require<FileError>(file.size() <= kMostPacked, file.path(), ": has ", file.size(), " bytes; at most ", kMostPacked,
                     " are unpacked.");
  z_stream stream{};
  if (inflateInit2(&stream, MAX_WBITS + kGzip) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(file.data());
  stream.avail_in = static_cast<uInt>(file.size());
  std::string out;
  std::string step(kStep, '\0');
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(step.data());
    stream.avail_out = static_cast<uInt>(kStep);
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = kStep - stream.avail_out;
    require<FileError>(got <= most - out.size(), file.path(), ": unpacks to more than ", most, " bytes.");
    out.append(step, 0, got);
  }
  if (state == Z_MEM_ERROR) throw std::bad_alloc();
  require<FileError>(state == Z_STREAM_END, file.path(), ": is cut off or damaged: only ", out.size(),
                     " bytes could be unpacked.");
  require<FileError>(stream.avail_in == 0, file.path(), ": ", stream.avail_in, " bytes follow the end of the gzip.");
  return out;
}

}  // namespace fu
