#include "core/files/output_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>

#include "core/files/temporary_files.h"
#include "core/system.h"

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
    if (g_used[i] == 2) os::remove_file(g_names[i]);
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (path == "-") {
    descriptor_ = os::duplicate(os::kStandardOutput);
    require<FileError>(descriptor_ >= 0, "standard output cannot be written: ", std::strerror(errno), ".");
    return;
  }
  const std::optional<os::FileFacts> facts = os::file_facts(path);
  require<FileError>(!facts || !facts->folder, path,
                     ": is a folder; a file cannot replace it. Give the name of a file.");
  // Renaming onto a device or a pipe would replace it by a file.
  require<FileError>(!facts || facts->regular, path, ": is a device or a pipe; results are written to files.");
  tidy(folder_part(path));
  open_temporary();
}

/// A new file, never one that is there: a link of that name would lead elsewhere.
void OutputFile::open_temporary() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    temporary_ = temporary_name(path_);
    slot_ = claim_name(temporary_);
    descriptor_ = os::create_file(temporary_);
    const int error = errno;
    // Between these two calls another process may have found the file without its lock, and removed it.
    if (descriptor_ >= 0 && lock_file(descriptor_)) {
      const std::optional<os::FileFacts> facts = os::file_facts(descriptor_);
      if (facts && facts->names > 0) return;
    }
    if (descriptor_ >= 0) {
      os::close_file(descriptor_);
      os::remove_file(temporary_.c_str());
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
    os::close_file(descriptor_);
    if (!temporary_.empty()) os::remove_file(temporary_.c_str());
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
    const std::ptrdiff_t n = os::write_some(descriptor_, p, run);
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
    if (!os::close_file(descriptor) && errno != EINTR) fail("cannot be completed");
    return;
  }
  // The lock is held until the file has its name. After sync_file(), close_file() has nothing to tell.
  const bool named = os::sync_file(descriptor_) && os::rename_file(temporary_, path_);
  const int error = errno, descriptor = descriptor_;
  descriptor_ = -1;
  if (!named) os::remove_file(temporary_.c_str());
  os::close_file(descriptor);
  if (named) return os::sync_folder(folder_part(path_));
  errno = error;
  fail("cannot be completed");
}

}  // namespace fu
