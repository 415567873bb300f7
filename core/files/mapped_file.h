// Files for reading.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace fu {

/// A file mapped into memory for reading. Pages are loaded when they are touched, and the system may drop them again:
/// a large file does not count against the memory of the process.
///
/// "-" is standard input. What comes through a pipe is kept in memory until the process ends, so that the same pipe can
/// be opened again, as a file can.
class MappedFile {
 public:
  /// throws FileError: no readable file and no pipe, empty, or a pipe brings over 4 GB. ReadError: the machine's fault.
  explicit MappedFile(const std::string& path);
  /// Bytes that stay in memory for as long as the program runs (built-in weights), under a name.
  MappedFile(const std::string& name, const unsigned char* data, std::size_t size)
      : path_(name), data_(data), size_(size), mapped_(false) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  /// The first of size() bytes, which stay where they are for as long as this lives.
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  /// Bytes [begin, begin + length), which must lie within the file.
  std::string_view text(std::size_t begin, std::size_t length) const {
    return {reinterpret_cast<const char*>(data_) + begin, length};
  }

 private:
  std::string path_;
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = true;
  std::shared_ptr<const std::vector<unsigned char>> piped_;
  int slot_ = -1;
};

/// The path, fit for a terminal, of the mapped file that an address lies in; null if it lies in none. When another
/// process makes a mapped file shorter, touching what is gone raises SIGBUS: with this a handler can tell which file it
/// was. Safe in a signal handler. Of the files that are open at once, 64 are known.
const char* mapped_file_at(const void* address) noexcept;

}  // namespace fu
