// The targets of fuzzing: functions that take any bytes, and must end in success or in one of the library's errors.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "core/files/mapped_file.h"
#include "tests/fuzz/repair.h"

namespace fu::fuzz {

struct Target {
  const char* name;
  void (*run)(const unsigned char* data, std::size_t size);
  Repair repair;
};

/// All of targets.def, in its order.
const std::vector<Target>& targets();
/// The target of that name; null if there is none.
const Target* find_target(const std::string& name);

/// Limits threads and memory as a small board would: to be called once before the first target.
void prepare();

/// Runs f. The library's own errors are what broken input should end in; any other exception, and an error that is
/// empty or longer than a line, ends the process: that is a finding.
void refuse_or_succeed(const std::function<void()>& f);

/// Bytes under a path, for what reads files: a file in memory, gone at the end.
class FileInMemory {
 public:
  FileInMemory(const unsigned char* data, std::size_t size);
  ~FileInMemory();
  FileInMemory(const FileInMemory&) = delete;
  FileInMemory& operator=(const FileInMemory&) = delete;
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

/// A folder in memory, if the system has one, for what reads several files that stand together; gone at the end.
class FolderInMemory {
 public:
  FolderInMemory();
  ~FolderInMemory();
  FolderInMemory(const FolderInMemory&) = delete;
  FolderInMemory& operator=(const FolderInMemory&) = delete;
  void write(const std::string& name, const unsigned char* data, std::size_t size) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The bytes as a file that is open already.
inline std::shared_ptr<const MappedFile> as_file(const unsigned char* data, std::size_t size) {
  return std::make_shared<MappedFile>("input", data, size);
}

}  // namespace fu::fuzz
