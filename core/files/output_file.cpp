#include "core/files/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fu {

namespace {

// Names of files under construction, for remove_unfinished_outputs(): fixed storage, because a signal handler may not
// allocate.
constexpr int kSlots = 16, kSlotLength = 4096;
char g_names[kSlots][kSlotLength];
std::atomic<int> g_used[kSlots];  // 0 free, 1 being filled, 2 valid

int claim_slot(const std::string& name) {
  if (name.size() >= kSlotLength) return -1;
  for (int i = 0; i < kSlots; ++i) {
    int expected = 0;
    if (!g_used[i].compare_exchange_strong(expected, 1)) continue;
    std::memcpy(g_names[i], name.c_str(), name.size() + 1);
    g_used[i] = 2;
    return i;
  }
  return -1;
}

}  // namespace

void remove_unfinished_outputs() noexcept {
  for (int i = 0; i < kSlots; ++i)
    if (g_used[i] == 2) unlink(g_names[i]);
}

OutputFile::OutputFile(const std::string& path) : path_(path), temporary_(path + ".part-" + std::to_string(getpid())) {
  struct stat info {};
  require<FileError>(stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode), path,
                     ": is a folder; a file cannot replace it. Give the name of a file.");
  // Renaming onto a device or a pipe would replace it by a file.
  require<FileError>(stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode), path,
                     ": is a device or a pipe; results are written to files.");
  slot_ = claim_slot(temporary_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const std::string reason = std::strerror(errno);
    if (slot_ >= 0) g_used[slot_] = 0;
    throw FileError(path + ": cannot be written: " + reason + ".");
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    unlink(temporary_.c_str());
  }
  if (slot_ >= 0) g_used[slot_] = 0;
}

void OutputFile::fail(const std::string& what) {
  const std::string reason = std::strerror(errno);
  throw FileError(path_ + ": " + what + ": " + reason + ". Nothing was left under that name.");
}

void OutputFile::write(const void* data, std::size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(descriptor_, p, size < (std::size_t{1} << 30) ? size : std::size_t{1} << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("cannot be written");
    p += n;
    size -= static_cast<std::size_t>(n);
  }
}

void OutputFile::commit() {
  const int fd = descriptor_;
  descriptor_ = -1;
  if (close(fd) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    errno = error;
    fail("cannot be completed");
  }
}

}  // namespace fu
