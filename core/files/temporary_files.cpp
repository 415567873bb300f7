#include "core/files/temporary_files.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

#include "core/system.h"

namespace fu {

namespace {

constexpr const char* kMark = ".part-";
constexpr std::size_t kDigits = 16, kLongestName = 255;

bool is_temporary(const char* file_name) {
  const std::string_view name = file_name;
  const std::size_t mark = name.rfind(kMark);
  return mark != std::string_view::npos && name.size() - mark == std::strlen(kMark) + kDigits &&
         name.find_first_not_of("0123456789abcdef", mark + std::strlen(kMark)) == std::string_view::npos;
}

/// A number that no other process draws. The system's own random numbers may be out of reach; the process, the time
/// and a counter then tell names apart, and O_EXCL decides.
std::uint64_t fresh_number() {
  static std::atomic<std::uint64_t> counter{0};
  std::uint64_t x = counter.fetch_add(1) + (static_cast<std::uint64_t>(os::process_number()) << 32);
  x ^= static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) * 0x9e3779b97f4a7c15u;
  try {
    std::random_device device;
    x ^= static_cast<std::uint64_t>(device()) << 32 | device();
  } catch (const std::exception&) {
  }
  return x;
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

bool lock_file(int descriptor) { return os::try_lock(descriptor) || errno != EWOULDBLOCK; }

void remove_stale_files(const std::string& folder) noexcept { os::remove_unlocked_files(folder, is_temporary); }

}  // namespace fu
