// What all file formats share: number types, mapped input, output that appears only when complete.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/tensor.h"

namespace fu {

/// Number types that files hold. In memory everything is `real`.
enum class DType { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// Bytes of one number.
Index dtype_size(DType type);
/// "f16", "bf16", ...
const char* dtype_name(DType type);

/// Converts n little-endian numbers (at any alignment) to reals.
void to_reals(DType type, const unsigned char* bytes, Index n, real* out);
/// Converts reals to f16, bf16, f32 or f64, little-endian, rounding to nearest even; too large becomes infinite.
void from_reals(DType type, const real* in, Index n, unsigned char* bytes);

/// A file mapped into memory for reading: pages are loaded when touched, and are not counted against the process for
/// good.
class MappedFile {
 public:
  /// Throws FileError if the path is not a readable regular file.
  explicit MappedFile(const std::string& path);
  /// Bytes that are in memory for as long as the program runs, under a name.
  MappedFile(const std::string& name, const unsigned char* data, std::size_t size)
      : path_(name), data_(data), size_(size), mapped_(false) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::string_view text(std::size_t begin, std::size_t length) const {
    return {reinterpret_cast<const char*>(data_) + begin, length};
  }

 private:
  std::string path_;
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = true;
};

/// A file under construction. It lives under a temporary name in the same folder until commit() renames it; without
/// commit() it is removed. So a file of the final name is always a whole one, whenever the process dies.
class OutputFile {
 public:
  /// Throws FileError if the folder cannot be written.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws FileError if the disk is full or fails.
  void write(const void* data, std::size_t size);
  void commit();

 private:
  void fail(const std::string& what);

  std::string path_, temporary_;
  int descriptor_ = -1, slot_ = -1;
};

/// Removes the temporary files of all OutputFiles under construction. Safe in a signal handler.
void remove_unfinished_outputs() noexcept;

/// Little-endian integers at any alignment.
std::uint64_t read_le(const unsigned char* bytes, int count);

/// A name from a file, fit to be printed: cut to 80 characters, control characters replaced.
std::string printable(std::string_view text);

}  // namespace fu
