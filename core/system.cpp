#include "core/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#endif

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace fu::os {

namespace {

static_assert(sizeof(off_t) == 8, "files may have more than 2 GB: on systems of 32 bits with _FILE_OFFSET_BITS=64");

/// The result of a call, which is made again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

FileFacts facts_of(const struct stat& info) {
  FileFacts facts;
  facts.regular = S_ISREG(info.st_mode), facts.folder = S_ISDIR(info.st_mode);
  facts.pipe = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
  facts.size = static_cast<std::uint64_t>(info.st_size);
  facts.names = static_cast<std::uint64_t>(info.st_nlink);
  facts.identity = {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
  return facts;
}

int opened(const char* path, int how) {
  return uninterrupted([&] { return open(path, how | O_CLOEXEC, 0666); });
}

/// Whether `descriptor` is still what the name leads to.
bool same_file(int descriptor, int folder, const char* name) {
  struct stat a {};
  struct stat b {};
  return fstat(descriptor, &a) == 0 && fstatat(folder, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

}  // namespace

std::optional<FileFacts> file_facts(const std::string& path) {
  struct stat info {};
  if (uninterrupted([&] { return stat(path.c_str(), &info); }) != 0) return std::nullopt;
  return facts_of(info);
}

std::optional<FileFacts> file_facts(int descriptor) {
  struct stat info {};
  if (uninterrupted([&] { return fstat(descriptor, &info); }) != 0) return std::nullopt;
  return facts_of(info);
}

int open_to_read(const std::string& path) { return opened(path.c_str(), O_RDONLY | O_NONBLOCK); }

int create_file(const std::string& path) { return opened(path.c_str(), O_WRONLY | O_CREAT | O_EXCL); }

int open_or_create(const std::string& path) { return opened(path.c_str(), O_RDWR | O_CREAT); }

std::string create_temporary_file() {
  const char* const folder = std::getenv("TMPDIR");
  std::string path = std::string(folder && *folder ? folder : "/tmp") + "/featup-XXXXXX";
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return "";
  close(descriptor);
  return path;
}

int duplicate(int descriptor) {
  return uninterrupted([&] { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); });
}

bool close_file(int descriptor) noexcept { return close(descriptor) == 0; }

std::ptrdiff_t read_some(int descriptor, void* data, std::size_t size) {
  return uninterrupted([&] { return read(descriptor, data, size); });
}

std::ptrdiff_t write_some(int descriptor, const void* data, std::size_t size) {
  const auto once = [&] { return uninterrupted([&] { return write(descriptor, data, size); }); };
  std::ptrdiff_t written = once();
  // Another process may have set the terminal or pipe that it shares with this one not to wait.
  while (written == -1 && errno == EAGAIN) {
    pollfd room{descriptor, POLLOUT, 0};
    if (uninterrupted([&] { return poll(&room, 1, -1); }) == -1) return -1;
    written = once();
  }
  return written;
}

std::ptrdiff_t read_some_at(int descriptor, void* data, std::size_t size, std::uint64_t at) {
  return uninterrupted([&] { return pread(descriptor, data, size, static_cast<off_t>(at)); });
}

std::ptrdiff_t write_some_at(int descriptor, const void* data, std::size_t size, std::uint64_t at) {
  return uninterrupted([&] { return pwrite(descriptor, data, size, static_cast<off_t>(at)); });
}

void wait_for_data(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK); }

void keep_identity(int descriptor) {
#ifdef O_PATH
  // Not as a reader, for whom others would wait.
  char name[32];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  if (open(name, O_PATH | O_CLOEXEC) >= 0) return;
#endif
  fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

const unsigned char* map_file(int descriptor, std::size_t size) {
  void* const map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  return map == MAP_FAILED ? nullptr : static_cast<const unsigned char*>(map);
}

void unmap_file(const unsigned char* data, std::size_t size) noexcept {
  munmap(const_cast<unsigned char*>(data), size);
}

bool sync_file(int descriptor) {
  return uninterrupted([&] { return fsync(descriptor); }) == 0 || errno == EINVAL || errno == ENOTSUP ||
         errno == ENOSYS;
}

void sync_folder(const std::string& folder) noexcept {
  const int descriptor = opened(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  uninterrupted([&] { return fsync(descriptor); });
  close(descriptor);
}

bool rename_file(const std::string& from, const std::string& to) { return rename(from.c_str(), to.c_str()) == 0; }

void remove_file(const char* path) noexcept {
  uninterrupted([&] { return unlink(path); });
}

bool try_lock(int descriptor) {
#ifdef __EMSCRIPTEN__
  static_cast<void>(descriptor);
  errno = ENOTSUP;  // flock() is declared there, and missing
  return false;
#else
  return uninterrupted([&] { return flock(descriptor, LOCK_EX | LOCK_NB); }) == 0;
#endif
}

void remove_unlocked_files(const std::string& folder, bool (*chosen)(const char* name)) noexcept {
  DIR* const entries = opendir(folder.empty() ? "." : folder.c_str());
  if (!entries) return;
  const int at = dirfd(entries);
  while (const dirent* entry = readdir(entries)) {
    if (!chosen(entry->d_name)) continue;
    const int descriptor =
        uninterrupted([&] { return openat(at, entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); });
    if (descriptor < 0) continue;
    struct stat info {};
    // Here a lock that cannot be had at all is no proof that the file's process is dead.
    if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && try_lock(descriptor) &&
        same_file(descriptor, at, entry->d_name))
      unlinkat(at, entry->d_name, 0);
    close(descriptor);
  }
  closedir(entries);
}

void* take_memory(std::size_t size, std::size_t alignment, bool large_pages) {
  void* block = nullptr;
  if (posix_memalign(&block, alignment, size) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  if (large_pages) madvise(block, size, MADV_HUGEPAGE);
#else
  static_cast<void>(large_pages);
#endif
  return block;
}

void give_memory(void* block) noexcept { std::free(block); }

int scheduled_cores() {
#ifdef __linux__
  cpu_set_t cores;  // for 1024 cores; larger machines answer with an error
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
#endif
  return 0;
}

#ifdef __linux__
static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free,
              "the kernel must see the number itself");

bool sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
  return true;
}

bool wake_sleepers(std::atomic<std::uint32_t>& word, int n) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, n, nullptr, nullptr, 0);
  return true;
}
#else
bool sleep_while(std::atomic<std::uint32_t>&, std::uint32_t) { return false; }
bool wake_sleepers(std::atomic<std::uint32_t>&, int) { return false; }
#endif

void at_fork(void (*before)(), void (*parent)(), void (*child)()) { pthread_atfork(before, parent, child); }

void without_signals(const std::function<void()>& work) {
  struct Held {
    sigset_t before;
    Held() {
      sigset_t held;
      sigfillset(&held);
      // What an instruction of the thread itself raises ends the process at once where it is held back.
      for (const int fault : {SIGILL, SIGBUS, SIGSEGV, SIGFPE, SIGTRAP, SIGSYS}) sigdelset(&held, fault);
      pthread_sigmask(SIG_SETMASK, &held, &before);
    }
    ~Held() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  } const held;
  work();
}

int process_number() { return static_cast<int>(getpid()); }

bool process_lives(int number) { return kill(static_cast<pid_t>(number), 0) == 0; }

std::uint64_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(bytes) : 0;
}

std::size_t resident_memory() {
  std::FILE* const f = std::fopen("/proc/self/statm", "r");
  if (!f) return 0;
  unsigned long long pages = 0, resident = 0;
  if (std::fscanf(f, "%llu %llu", &pages, &resident) != 2) resident = 0;
  std::fclose(f);
  return static_cast<std::size_t>(resident) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t peak_resident_memory() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  return static_cast<std::size_t>(usage.ru_maxrss);  // in bytes there, elsewhere in KB
#else
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
#endif
}

bool is_terminal(int descriptor) { return isatty(descriptor) != 0; }

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

}  // namespace fu::os
