#include "core/pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "core/error.h"

namespace fu {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Cached blocks are bounded; a training step's working set stays.
constexpr std::size_t kMaxCached = std::size_t{512} << 20;

constexpr std::size_t kLargeBlock = std::size_t{256} << 20;

/// Sizes are rounded up to four steps an octave, so that nearly equal requests share blocks. Large blocks are whole
/// huge pages.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  if (bytes >= 4 * kHugePage) return (bytes + kHugePage - 1) / kHugePage * kHugePage;
  std::size_t octave = kAlignment;
  while (octave * 2 <= bytes) octave *= 2;
  const std::size_t step = std::max(kAlignment, octave / 4);
  return (bytes + step - 1) / step * step;
}

struct Pool {
  std::mutex mutex;
  std::map<std::size_t, std::vector<void*>> free;
  PoolStats stats;
  std::size_t limit = 0;
};

Pool& pool() {
  static Pool* p = new Pool;  // never destroyed: tensors in static storage may outlive any order of destruction
  return *p;
}

void* from_system(std::size_t size) {
  void* block = nullptr;
  if (posix_memalign(&block, size >= kHugePage ? kHugePage : kAlignment, size) != 0) return nullptr;
  // Huge pages: a 77 MB result is 38 page faults in place of 19,000.
  if (size >= kHugePage) madvise(block, size, MADV_HUGEPAGE);
  return block;
}

/// Bytes that the system can give before it starts to kill: the smaller of what is available and what is left of the
/// control group.
std::size_t available_memory() {
  std::size_t available = ~std::size_t{0};
  if (std::FILE* f = std::fopen("/proc/meminfo", "r")) {
    char line[256];
    unsigned long kb = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "MemAvailable: %lu kB", &kb) == 1) available = std::size_t{kb} * 1024;
    std::fclose(f);
  }
  const auto number = [](const char* path) {
    unsigned long long v = ~0ull;
    if (std::FILE* f = std::fopen(path, "r")) {
      if (std::fscanf(f, "%llu", &v) != 1) v = ~0ull;  // "max"
      std::fclose(f);
    }
    return v;
  };
  const unsigned long long limit = number("/sys/fs/cgroup/memory.max"), used = number("/sys/fs/cgroup/memory.current");
  if (limit != ~0ull && used != ~0ull && limit > used) available = std::min<std::size_t>(available, limit - used);
  return available;
}

std::string mb(std::size_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

}  // namespace

void* pool_take(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  require<UsageError>(p.limit == 0 || p.stats.live + bytes <= p.limit, "[memory] ", mb(bytes), " beside the ",
                      mb(p.stats.live), " in use would exceed the limit of ", mb(p.limit),
                      ". Raise --max-memory, or ask for a smaller result.");
  // A large block is promised by the system whether it is there or not; the program would be killed while it fills it.
  if (bytes >= kLargeBlock) {
    const std::size_t available = available_memory() + p.stats.cached;
    require<UsageError>(bytes <= available, "[memory] ", mb(bytes), " more are needed, but this machine has only ",
                        mb(available), " left. Ask for a smaller result.");
  }
  void* block = nullptr;
  auto it = p.free.find(size);
  if (it != p.free.end() && !it->second.empty()) {
    block = it->second.back();
    it->second.pop_back();
    p.stats.cached -= size;
  } else {
    block = size < bytes ? nullptr : from_system(size);
    require<UsageError>(block != nullptr, "[memory] the system has no ", mb(bytes), " left. Ask for a smaller result.");
    ++p.stats.system_calls;
  }
  p.stats.live += size;
  p.stats.peak_live = std::max(p.stats.peak_live, p.stats.live);
  return block;
}

void pool_give(void* block, std::size_t bytes) noexcept {
  if (!block) return;
  const std::size_t size = block_size(bytes);
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  p.stats.live -= size;
  // A training step wants again what the last one had, a quarter more because sizes do not always meet. A single large
  // result is no such thing.
  const std::size_t held = p.stats.cached + p.stats.live + size, steps_want = p.stats.peak_live + p.stats.peak_live / 4;
  if (p.stats.cached + size > kMaxCached && (size >= kLargeBlock || held > steps_want)) {
    std::free(block);
    return;
  }
  try {
    p.free[size].push_back(block);
    p.stats.cached += size;
  } catch (...) {
    std::free(block);
  }
}

void set_memory_limit(std::size_t bytes) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  pool().limit = bytes;
}

PoolStats pool_stats() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  return pool().stats;
}

void reset_pool_peak() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  pool().stats.peak_live = pool().stats.live;
}

void trim_pool() {
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  for (auto& [size, blocks] : p.free)
    for (void* block : blocks) std::free(block);
  p.free.clear();
  p.stats.cached = 0;
}

}  // namespace fu
