// Files for writing, which appear only when they are complete.
#pragma once

#include <cstddef>
#include <string>

#include "core/error.h"

namespace fu {

/// A file under construction. It has a temporary name of its own in the same folder until commit() renames it; without
/// commit() it is removed. So a file of the final name is always complete, whenever the process dies, and many
/// processes can write the same name: the last commit() counts.
///
/// The temporary file is locked while its process lives. One that nobody holds was left by a process that was killed:
/// the first OutputFile of a process in a folder removes those.
class OutputFile {
 public:
  /// "-" is standard output: what is written goes there at once, and commit() only ends it.
  /// throws FileError if the folder cannot be written, or if the path is a folder, a device or a pipe.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// throws FileError if the disk is full or fails.
  void write(const void* data, std::size_t size);
  /// Gives the file its name, and replaces an older one. The content is on the disk before the name is: a machine that
  /// loses its power keeps the old file or has the new one. throws FileError if it cannot.
  void commit();

 private:
  void open_temporary();
  void fail(const std::string& what);

  std::string path_, temporary_;
  int descriptor_ = -1, slot_ = -1;
};

/// Removes the temporary files of all OutputFiles under construction. Safe in a signal handler.
void remove_unfinished_outputs() noexcept;

}  // namespace fu
