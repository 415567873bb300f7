#include "core/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fu {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Non-blocking: opening a named pipe must not hang the program.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  require<FileError>(fd >= 0, path, ": cannot be opened: ", std::strerror(errno), ".");
  struct stat info {};
  const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  void* map = nullptr;
  if (regular && info.st_size > 0)
    map = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  require<FileError>(regular, path, ": is not a regular file. Give the path of a file.");
  require<FileError>(info.st_size > 0, path, ": is empty.");
  require<FileError>(map != MAP_FAILED, path, ": cannot be mapped: ", std::strerror(error), ".");
  data_ = static_cast<const unsigned char*>(map);
  size_ = static_cast<std::size_t>(info.st_size);
}

MappedFile::~MappedFile() {
  if (mapped_ && data_) munmap(const_cast<unsigned char*>(data_), size_);
}

}  // namespace fu
