#include "core/files/temporary_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>

#include "core/files/uninterrupted.h"

namespace fu {

namespace {

constexpr const char* kMark = ".part-";
constexpr std::size_t kDigits = 16, kLongestName = 255;

bool is_temporary(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  return mark != std::string::npos && name.size() - mark == std::strlen(kMark) + kDigits &&
         name.find_first_not_of("0123456789abcdef", mark + std::strlen(kMark)) == std::string::npos;
}

/// A number that no other process draws. The system's own random numbers may be out of reach; the process, the time
/// and a counter then tell names apart, and O_EXCL decides.
std::uint64_t fresh_number() {
  static std::atomic<std::uint64_t> counter{0};
  std::uint64_t x = counter.fetch_add(1) + (static_cast<std::uint64_t>(getpid()) << 32);
  x ^= static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) * 0x9e3779b97f4a7c15u;
  try {
    std::random_device device;
    x ^= static_cast<std::uint64_t>(device()) << 32 | device();
  } catch (const std::exception&) {
  }
  return x;
}

/// Locks the file for this process, without waiting. 0, or -1 and errno.
int try_lock(int descriptor) {
#ifdef __EMSCRIPTEN__
  static_cast<void>(descriptor);
  errno = ENOTSUP;  // flock() is declared there, and missing
  return -1;
#else
  return uninterrupted([&] { return flock(descriptor, LOCK_EX | LOCK_NB); });
#endif
}

/// Whether `descriptor` is still what the name leads to.
bool same_file(int descriptor, int folder, const char* name) {
  struct stat a {};
  struct stat b {};
  return fstat(descriptor, &a) == 0 && fstatat(folder, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

}  // namespace

std::string folder_part(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::string temporary_name(const std::string& path) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string digits;
  for (std::uint64_t x = fresh_number(); digits.size() < kDigits; x >>= 4) digits += kHex[x & 15];
  const std::string folder = folder_part(path), end = kMark + digits;
  return folder + path.substr(folder.size(), kLongestName - end.size()) + end;
}

bool lock_file(int descriptor) { return try_lock(descriptor) == 0 || errno != EWOULDBLOCK; }

void remove_stale_files(const std::string& folder) noexcept {
  DIR* const entries = opendir(folder.empty() ? "." : folder.c_str());
  if (!entries) return;
  const int at = dirfd(entries);
  while (const dirent* entry = readdir(entries)) {
    if (!is_temporary(entry->d_name)) continue;
    // Never a link or a pipe: only files that an OutputFile could have made.
    const int descriptor =
        uninterrupted([&] { return openat(at, entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); });
    if (descriptor < 0) continue;
    struct stat info {};
    // Here a lock that cannot be had at all is no proof that the file's process is dead.
    if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && try_lock(descriptor) == 0 &&
        same_file(descriptor, at, entry->d_name))
      unlinkat(at, entry->d_name, 0);
    close(descriptor);
  }
  closedir(entries);
}

void sync_folder(const std::string& folder) noexcept {
  const char* const name = folder.empty() ? "." : folder.c_str();
  const int descriptor = uninterrupted([&] { return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return;
  uninterrupted([&] { return fsync(descriptor); });
  close(descriptor);
}

}  // namespace fu
