#include "core/files/mapped_file.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "core/base.h"
#include "core/files/bytes.h"
#include "core/files/read_error.h"
#include "core/system.h"

namespace fu {

namespace {

using Bytes = std::vector<unsigned char>;

// Maps in use, for mapped_file_at(): fixed storage, because a signal handler may not allocate.
struct Slot {
  std::atomic<int> used{0};  // 0 free, 1 being filled, 2 valid
  const unsigned char* begin = nullptr;
  std::size_t size = 0;
  char path[1024] = {};
};
constexpr int kSlots = 64;
Slot g_slots[kSlots];

int claim_slot(const unsigned char* begin, std::size_t size, const std::string& path) {
  for (int i = 0; i < kSlots; ++i) {
    Slot& s = g_slots[i];
    int expected = 0;
    if (!s.used.compare_exchange_strong(expected, 1)) continue;
    s.begin = begin, s.size = size;
    std::strncpy(s.path, path.c_str(), sizeof s.path - 1);
    s.used = 2;
    return i;
  }
  return -1;
}

/// By errno.
[[noreturn]] void fail(const std::string& path, const char* what) {
  const int error = errno;
  const std::string text = cat(path, ": cannot be ", what, ": ", std::strerror(error), ".");
  if (is_of_machine(error)) throw ReadError(text);
  throw FileError(text);
}

/// All that comes through a pipe. One that nobody has opened for writing is waited for, but not for ever.
Bytes drain(int fd, const std::string& path) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;  // also where addresses have 32 bits
  constexpr std::size_t kRun = std::size_t{1} << 20;
  constexpr std::chrono::milliseconds kPause{5};
  constexpr int kPatience = 600;  // pauses, 3 seconds: counted, because a clock may be set back
  int waited = 0;
  Bytes all, run(kRun);
  bool wrote = false;  // somebody holds the other end
  for (;;) {
    const std::ptrdiff_t n = os::read_some(fd, run.data(), run.size());
    if (n < 0 && errno == EAGAIN) {
      // Nothing yet, but there will be: from now on reading waits.
      wrote = true;
      os::wait_for_data(fd);
      continue;
    }
    if (n < 0) fail(path, "read");
    if (n == 0 && !wrote && waited++ < kPatience) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    if (n == 0) return all;
    wrote = true;
    require<FileError>(std::uint64_t{all.size()} + usize(n) <= kMost, path, ": brings more than ", kMost,
                       " bytes. Give a file.");
    if (all.capacity() < all.size() + usize(n)) all.reserve(all.size() + all.size() / 2 + kRun);
    all.insert(all.end(), run.begin(), run.begin() + n);
  }
}

/// What came through a pipe, which can be read only once.
std::shared_ptr<const Bytes> piped(int fd, const os::FileFacts& facts, const std::string& path) {
  static std::mutex guard;
  static std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<const Bytes>> known;
  const std::lock_guard<std::mutex> lock(guard);
  std::shared_ptr<const Bytes>& bytes = known[facts.identity];
  if (!bytes) {
    bytes = std::make_shared<const Bytes>(drain(fd, path));
    os::keep_identity(fd);
  }
  return bytes;
}

}  // namespace

const char* mapped_file_at(const void* address) noexcept {
  const auto* p = static_cast<const unsigned char*>(address);
  for (const Slot& s : g_slots)
    if (s.used == 2 && p >= s.begin && p < s.begin + s.size) return s.path;
  return nullptr;
}

MappedFile::MappedFile(const std::string& path) : path_(path == "-" ? "standard input" : path) {
  const int fd = path == "-" ? os::duplicate(os::kStandardInput) : os::open_to_read(path);
  if (fd < 0) fail(path_, "opened");
  struct Closer {
    int fd;
    ~Closer() { os::close_file(fd); }
  } const closer{fd};
  const std::optional<os::FileFacts> facts = os::file_facts(fd);
  if (!facts) fail(path_, "read");
  if (facts->pipe) {
    piped_ = piped(fd, *facts, path_);
    data_ = piped_->data(), size_ = piped_->size(), mapped_ = false;
    require<FileError>(size_ > 0, path_, ": is empty.");
    return;
  }
  require<FileError>(facts->regular, path_, ": is not a regular file. Give the path of a file.");
  require<FileError>(facts->size > 0, path_, ": is empty.");
  const std::string name = shown(path_);  // before the map: what is thrown here must not leave it behind
  size_ = static_cast<std::size_t>(facts->size);
  require<FileError>(size_ == facts->size, path_, ": has ", facts->size, " bytes, more than a program of ",
                     8 * sizeof(void*), " bits can take.");
  data_ = os::map_file(fd, size_);
  if (!data_) fail(path_, "mapped");
  slot_ = claim_slot(data_, size_, name);
}

MappedFile::~MappedFile() {
  if (slot_ >= 0) g_slots[slot_].used = 0;
  if (mapped_ && data_) os::unmap_file(data_, size_);
}

}  // namespace fu
