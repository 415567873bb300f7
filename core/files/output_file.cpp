#include "core/files/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>

#include "core/files/temporary_files.h"
#include "core/files/uninterrupted.h"

namespace fu {

namespace {

// Names of files under construction, for remove_unfinished_outputs(): fixed storage, because a signal handler may not
// allocate.
constexpr int kKept = 16, kNameLength = 4096;
char g_names[kKept][kNameLength];
std::atomic<int> g_used[kKept];  // 0 free, 1 being filled, 2 valid

int claim_name(const std::string& name) {
  if (name.size() >= kNameLength) return -1;
  for (int i = 0; i < kKept; ++i) {
    int expected = 0;
    if (!g_used[i].compare_exchange_strong(expected, 1)) continue;
    std::memcpy(g_names[i], name.c_str(), name.size() + 1);
    g_used[i] = 2;
    return i;
  }
  return -1;
}

/// Once for each folder that this process writes to.
void tidy(const std::string& folder) {
  static std::mutex guard;
  static std::set<std::string> done;
  const std::lock_guard<std::mutex> lock(guard);
  if (done.insert(folder).second) remove_stale_files(folder);
}

}  // namespace

void remove_unfinished_outputs() noexcept {
  for (int i = 0; i < kKept; ++i)
    if (g_used[i] == 2) unlink(g_names[i]);
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (path == "-") {
    descriptor_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    require<FileError>(descriptor_ >= 0, "standard output cannot be written: ", std::strerror(errno), ".");
    return;
  }
  struct stat info {};
  require<FileError>(stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode), path,
                     ": is a folder; a file cannot replace it. Give the name of a file.");
  // Renaming onto a device or a pipe would replace it by a file.
  require<FileError>(stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode), path,
                     ": is a device or a pipe; results are written to files.");
  tidy(folder_part(path));
  open_temporary();
}

/// A new file, never one that is there: a link of that name would lead elsewhere.
void OutputFile::open_temporary() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    temporary_ = temporary_name(path_);
    slot_ = claim_name(temporary_);
    descriptor_ =
        uninterrupted([&] { return open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    const int error = errno;
    struct stat info {};
    // Between these two calls another process may have found the file without its lock, and removed it.
    if (descriptor_ >= 0 && lock_file(descriptor_) && fstat(descriptor_, &info) == 0 && info.st_nlink > 0) return;
    if (descriptor_ >= 0) {
      close(descriptor_);
      unlink(temporary_.c_str());
    }
    if (slot_ >= 0) g_used[slot_] = 0;
    const bool again = descriptor_ >= 0 || error == EEXIST;
    descriptor_ = slot_ = -1;
    require<FileError>(again, path_, ": cannot be written: ", std::strerror(error), ".");
  }
  throw FileError(path_ + ": cannot be written: other processes remove what is written beside it.");
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }
  if (slot_ >= 0) g_used[slot_] = 0;
}

void OutputFile::fail(const std::string& what) {
  const std::string reason = std::strerror(errno);
  if (temporary_.empty()) throw FileError("standard output " + what + ": " + reason + ".");
  throw FileError(path_ + ": " + what + ": " + reason + ". Nothing was left under that name.");
}

void OutputFile::write(const void* data, std::size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const std::size_t run = std::min(size, std::size_t{1} << 30);
    const ssize_t n = uninterrupted([&] { return ::write(descriptor_, p, run); });
    if (n <= 0) fail("cannot be written");
    p += n;
    size -= static_cast<std::size_t>(n);
  }
}

void OutputFile::commit() {
  if (temporary_.empty()) {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    // Interrupted, it has closed the descriptor all the same.
    if (close(descriptor) != 0 && errno != EINTR) fail("cannot be completed");
    return;
  }
  // Some file systems have nothing to bring to the disk, and say so.
  const bool on_disk =
      uninterrupted([&] { return fsync(descriptor_); }) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  // The lock is held until the file has its name. After fsync(), close() has nothing to tell.
  const bool named = on_disk && rename(temporary_.c_str(), path_.c_str()) == 0;
  const int error = errno, descriptor = descriptor_;
  descriptor_ = -1;
  if (!named) unlink(temporary_.c_str());
  close(descriptor);
  if (named) return sync_folder(folder_part(path_));
  errno = error;
  fail("cannot be completed");
}

}  // namespace fu
