// Files for reading.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"

namespace fu {

/// A file mapped into memory for reading. Pages are loaded when they are touched, and the system may drop them again:
/// a large file does not count against the memory of the process.
class MappedFile {
 public:
  /// throws FileError if the path is not a readable regular file, or if it is empty.
  explicit MappedFile(const std::string& path);
  /// Bytes that stay in memory for as long as the program runs (built-in weights), under a name.
  MappedFile(const std::string& name, const unsigned char* data, std::size_t size)
      : path_(name), data_(data), size_(size), mapped_(false) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
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
};

}  // namespace fu
