#include "core/pool.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "core/error.h"

namespace fu {

namespace {

// Sizes in bytes.
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMaxCached = std::size_t{512} << 20;   // blocks kept for reuse, unless a training needs more
constexpr std::size_t kLargeBlock = std::size_t{256} << 20;  // from here on the machine's memory is looked at first

/// The size of the block that serves a request: rounded up to four steps an octave, so that nearly equal requests share
/// blocks (at most 25% too large), and to whole huge pages from 8 MB on.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  if (bytes >= 4 * kHugePage) return (bytes + kHugePage - 1) / kHugePage * kHugePage;
  std::size_t octave = kAlignment;
  while (octave * 2 <= bytes) octave *= 2;
  const std::size_t step = std::max(kAlignment, octave / 4);
  return (bytes + step - 1) / step * step;
}

struct FreeBlocks {
  std::vector<void*> blocks;
  std::uint64_t used = 0;  // when one of that size was last given or taken
};

struct Pool {
  std::mutex mutex;
  std::map<std::size_t, FreeBlocks> free;  // by size of the block
  std::uint64_t clock = 0;                 // counts blocks taken and given
  PoolStats stats;
  std::size_t limit = 0;  // bytes; 0: none
  std::size_t cache_limit = kNoCacheLimit;
  bool keeps_blocks = true;  // until the program ends, or the shared library that holds this code is unloaded
};

// Never destroyed: static tensors of the application may outlive any static object of ours.
alignas(Pool) unsigned char g_memory[sizeof(Pool)];

Pool& pool() {
  static Pool* const p = [] {
    Pool* const made = new (g_memory) Pool;
    // Another thread may hold the lock while this one calls fork(): in the child it would stay locked for ever.
    pthread_atfork([] { pool().mutex.lock(); }, [] { pool().mutex.unlock(); }, [] { pool().mutex.unlock(); });
    return made;
  }();
  return *p;
}

// Gives cached blocks back at the end: an application that loads and unloads the library must not lose them.
struct Lifetime {
  ~Lifetime() {
    {
      std::lock_guard<std::mutex> lock(pool().mutex);
      pool().keeps_blocks = false;
    }
    trim_pool();
  }
} g_lifetime;

void* from_system(std::size_t size) {
  void* block = nullptr;
  if (posix_memalign(&block, size >= kHugePage ? kHugePage : kAlignment, size) != 0) return nullptr;
  // Huge pages: a result of 77 MB takes 38 page faults, with ordinary pages 19,000.
  if (size >= kHugePage) madvise(block, size, MADV_HUGEPAGE);
  return block;
}

/// Bytes that the system can give before it kills processes: what the machine has available, or what the control group
/// (container) may still use, whichever is less.
std::uint64_t available_memory() {
  std::uint64_t available = ~std::uint64_t{0} / 2;  // unknown
  if (std::FILE* f = std::fopen("/proc/meminfo", "r")) {
    char line[256];
    unsigned long kb = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "MemAvailable: %lu kB", &kb) == 1) available = std::uint64_t{kb} * 1024;
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
  if (limit != ~0ull && used != ~0ull && limit > used) available = std::min<std::uint64_t>(available, limit - used);
  return available;
}

/// Gives blocks back to the system until at most `bytes` are kept, those of the sizes used longest ago first.
void shrink_cache(Pool& p, std::size_t bytes) {
  while (p.stats.cached > bytes) {
    auto oldest = p.free.end();
    for (auto it = p.free.begin(); it != p.free.end(); ++it)
      if (!it->second.blocks.empty() && (oldest == p.free.end() || it->second.used < oldest->second.used)) oldest = it;
    auto& [size, list] = *oldest;
    std::free(list.blocks.back());
    list.blocks.pop_back();
    p.stats.cached -= size;
    if (list.blocks.empty()) p.free.erase(oldest);
  }
}

std::string mb(std::uint64_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

}  // namespace

void* pool_take(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  require<MemoryLimitError>(p.limit == 0 || p.stats.live + bytes <= p.limit, "[memory] ", mb(bytes), " beside the ",
                            mb(p.stats.live), " in use would exceed the limit of ", mb(p.limit),
                            ". Raise the limit (set_memory_limit), or ask for a smaller result.");
  // The system grants a large block even if the machine lacks the memory. It kills the process later, when the process
  // writes into the block. So the memory is looked at first.
  if (bytes >= kLargeBlock) {
    const std::uint64_t available = available_memory() + p.stats.cached;
    require<MemoryError>(bytes <= available, "[memory] ", mb(bytes), " more are needed, but this machine has only ",
                         mb(available), " left. Ask for a smaller result.");
  }
  void* block = nullptr;
  auto it = p.free.find(size);
  if (it != p.free.end() && !it->second.blocks.empty()) {
    block = it->second.blocks.back();
    it->second.blocks.pop_back();
    it->second.used = ++p.clock;
    p.stats.cached -= size;
  } else {
    block = size < bytes ? nullptr : from_system(size);
    require<MemoryError>(block != nullptr, "[memory] the system has no ", mb(bytes),
                         " left. Ask for a smaller result.");
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
  // A training step needs the same blocks as the step before. So more than kMaxCached is kept, up to a quarter above
  // the largest use so far, because blocks do not always fit exactly. A single block of kLargeBlock or more is usually
  // a result, which no step asks for again.
  const std::size_t held = p.stats.cached + p.stats.live + size, steps_want = p.stats.peak_live + p.stats.peak_live / 4;
  if (!p.keeps_blocks || size > p.cache_limit ||
      (p.stats.cached + size > kMaxCached && (size >= kLargeBlock || held > steps_want))) {
    std::free(block);
    return;
  }
  try {
    FreeBlocks& list = p.free[size];
    list.blocks.push_back(block);
    list.used = ++p.clock;
    p.stats.cached += size;
  } catch (...) {  // no memory for the list
    std::free(block);
  }
  if (p.stats.cached > p.cache_limit) shrink_cache(p, p.cache_limit);
}

void set_cache_limit(std::size_t bytes) {
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  p.cache_limit = bytes;
  shrink_cache(p, bytes);
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
  shrink_cache(p, 0);
  p.free.clear();
}

}  // namespace fu
