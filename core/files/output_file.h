// Files for writing, which appear only when they are complete.
#pragma once

#include <cstddef>
#include <string>

#include "core/error.h"

namespace fu {

/// A file under construction. It has a temporary name in the same folder until commit() renames it; without commit() it
/// is removed. So a file of the final name is always complete, whenever the process dies.
class OutputFile {
 public:
  /// throws FileError if the folder cannot be written, or if the path is a folder, a device or a pipe.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// throws FileError if the disk is full or fails.
  void write(const void* data, std::size_t size);
  /// Gives the file its name, and replaces an older one. throws FileError if it cannot.
  void commit();

 private:
  void fail(const std::string& what);

  std::string path_, temporary_;
  int descriptor_ = -1, slot_ = -1;
};

/// Removes the temporary files of all OutputFiles under construction. Safe in a signal handler.
void remove_unfinished_outputs() noexcept;

}  // namespace fu
