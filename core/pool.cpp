#include "core/pool.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>

#include "core/context.h"
#include "core/context_state.h"
#include "core/control_groups.h"
#include "core/error.h"
#include "core/system.h"
#include "core/trim.h"

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

struct Pool {
  std::mutex mutex;
  std::uint64_t clock = 0;   // counts blocks taken and given
  ContextState process;      // bytes in use are those of all contexts; what is kept is its own alone
  bool keeps_blocks = true;  // until the program ends, or the shared library that holds this code is unloaded
  std::unordered_map<void*, ContextState*> owners;  // of blocks in use that were taken in a context
};

// Never destroyed: static tensors of the application may outlive any static object of ours.
alignas(Pool) unsigned char g_memory[sizeof(Pool)];

Pool& pool() {
  static Pool* const p = [] {
    Pool* const made = new (g_memory) Pool;
    // Another thread may hold the lock while this one calls fork(): in the child it would stay locked for ever.
    os::at_fork([] { pool().mutex.lock(); }, [] { pool().mutex.unlock(); }, [] { pool().mutex.unlock(); });
    return made;
  }();
  return *p;
}

std::atomic<void (*)() noexcept> g_at_trim[4];

void trim_blocks();

// Gives cached blocks back at the end: an application that loads and unloads the library must not lose them.
struct Lifetime {
  ~Lifetime() {
    {
      std::lock_guard<std::mutex> lock(pool().mutex);
      pool().keeps_blocks = false;
    }
    exchange_context(nullptr);
    trim_blocks();
  }
} g_lifetime;

void* from_system(std::size_t size) {
  const bool huge = size >= kHugePage;
  return os::take_memory(size, huge ? kHugePage : kAlignment, huge);
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
  return std::min(available, control_group_memory());
}

/// Gives blocks back to the system until at most `bytes` are kept, those of the sizes used longest ago first.
void shrink_cache(ContextState& c, std::size_t bytes) {
  while (c.stats.cached > bytes) {
    auto oldest = c.free.end();
    for (auto it = c.free.begin(); it != c.free.end(); ++it)
      if (!it->second.blocks.empty() && (oldest == c.free.end() || it->second.used < oldest->second.used)) oldest = it;
    auto& [size, list] = *oldest;
    os::give_memory(list.blocks.back());
    list.blocks.pop_back();
    c.stats.cached -= size;
    if (list.blocks.empty()) c.free.erase(oldest);
  }
}

/// The limits that hold for the calling thread.
ContextState& here(Pool& p) {
  ContextState* const context = current_context();
  return context ? *context : p.process;
}

/// Gives back the blocks that are kept where the calling thread is.
void trim_blocks() {
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  shrink_cache(here(p), 0);
  here(p).free.clear();
}

void drop_reference(ContextState* context) {
  if (context && --context->references == 0) delete context;
}

void count_taken(PoolStats& stats, std::size_t size) {
  stats.live += size;
  stats.peak_live = std::max(stats.peak_live, stats.live);
}

std::string mb(std::uint64_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

void check_limit(const ContextState& c, std::size_t bytes) {
  require<MemoryLimitError>(c.limit == 0 || c.stats.live + bytes <= c.limit, "[memory] ", mb(bytes), " beside the ",
                            mb(c.stats.live), " in use would exceed the limit of ", mb(c.limit),
                            ". Raise the limit (set_memory_limit), or ask for a smaller result.");
}

/// A block of that size that is kept; null if there is none.
void* kept_block(Pool& p, ContextState& c, std::size_t size) {
  const auto it = c.free.find(size);
  if (it == c.free.end() || it->second.blocks.empty()) return nullptr;
  void* const block = it->second.blocks.back();
  it->second.blocks.pop_back();
  it->second.used = ++p.clock;
  c.stats.cached -= size;
  return block;
}

/// Notes that a block belongs to a context. Without memory for the note, the block is given back. throws MemoryError.
void note_owner(Pool& p, ContextState& c, void* block) {
  try {
    p.owners.emplace(block, &c);
    ++c.references;
  } catch (const std::bad_alloc&) {
    os::give_memory(block);
    throw MemoryError("[memory] the system has no memory left. Ask for a smaller result.");
  }
}

/// The context that a block in use belongs to, which is forgotten; null if it is the process's.
ContextState* forget_owner(Pool& p, void* block) {
  if (p.owners.empty()) return nullptr;
  const auto it = p.owners.find(block);
  if (it == p.owners.end()) return nullptr;
  ContextState* const owner = it->second;
  p.owners.erase(it);
  return owner;
}

/// Keeps a block that is no longer in use, or gives it back to the system.
void keep_or_free(Pool& p, ContextState& c, void* block, std::size_t size) noexcept {
  // A training step needs the same blocks as the step before. So more than kMaxCached is kept, up to a quarter above
  // the largest use so far, because blocks do not always fit exactly. A single block of kLargeBlock or more is usually
  // a result, which no step asks for again.
  const std::size_t held = c.stats.cached + c.stats.live + size, steps_want = c.stats.peak_live + c.stats.peak_live / 4;
  if (!p.keeps_blocks || c.ended || size > c.cache_limit ||
      (c.stats.cached + size > kMaxCached && (size >= kLargeBlock || held > steps_want))) {
    os::give_memory(block);
    return;
  }
  try {
    FreeBlocks& list = c.free[size];
    list.blocks.push_back(block);
    list.used = ++p.clock;
    c.stats.cached += size;
  } catch (...) {  // no memory for the list
    os::give_memory(block);
  }
  if (c.stats.cached > c.cache_limit) shrink_cache(c, c.cache_limit);
}

}  // namespace

void* pool_take(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  ContextState& c = here(p);
  const bool in_context = &c != &p.process;
  check_limit(c, bytes);
  if (in_context) check_limit(p.process, bytes);
  // The system grants a large block even if the machine lacks the memory. It kills the process later, when the process
  // writes into the block. So the memory is looked at first.
  if (bytes >= kLargeBlock) {
    const std::uint64_t available = available_memory() + c.stats.cached;
    require<MemoryError>(bytes <= available, "[memory] ", mb(bytes), " more are needed, but this machine has only ",
                         mb(available), " left. Ask for a smaller result.");
  }
  void* block = kept_block(p, c, size);
  if (!block) {
    block = size < bytes ? nullptr : from_system(size);
    require<MemoryError>(block != nullptr, "[memory] the system has no ", mb(bytes),
                         " left. Ask for a smaller result.");
    ++c.stats.system_calls;
    if (in_context) ++p.process.stats.system_calls;
  }
  if (in_context) note_owner(p, c, block);
  count_taken(c.stats, size);
  if (in_context) count_taken(p.process.stats, size);
  return block;
}

void pool_give(void* block, std::size_t bytes) noexcept {
  if (!block) return;
  const std::size_t size = block_size(bytes);
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  ContextState* const owner = forget_owner(p, block);
  p.process.stats.live -= size;
  if (owner) owner->stats.live -= size;
  keep_or_free(p, owner ? *owner : p.process, block, size);
  drop_reference(owner);
}

void set_cache_limit(std::size_t bytes) {
  Pool& p = pool();
  std::lock_guard<std::mutex> lock(p.mutex);
  here(p).cache_limit = bytes;
  shrink_cache(here(p), bytes);
}

void set_memory_limit(std::size_t bytes) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  here(pool()).limit = bytes;
}

PoolStats pool_stats() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  return here(pool()).stats;
}

void reset_pool_peak() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  PoolStats& stats = here(pool()).stats;
  stats.peak_live = stats.live;
}

void trim_pool() {
  for (const auto& give_back : g_at_trim)
    if (const auto function = give_back.load(std::memory_order_acquire)) function();
  trim_blocks();
}

void at_trim(void (*give_back)() noexcept) {
  for (auto& place : g_at_trim) {
    void (*none)() noexcept = nullptr;
    if (place.compare_exchange_strong(none, give_back, std::memory_order_acq_rel)) return;
  }
  throw std::logic_error("[at_trim] all places are taken.");
}

Context::Context() : state_(new ContextState) {}

Context::~Context() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  state_->ended = true;
  shrink_cache(*state_, 0);
  drop_reference(state_);
}

InContext::InContext(const Context& context) : before_(exchange_context(context.state_)) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  ++context.state_->references;
}

InContext::~InContext() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  drop_reference(exchange_context(before_));
}

void use_context(const Context* context) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  ContextState* const state = context ? context->state_ : nullptr;
  if (state) ++state->references;
  drop_reference(exchange_context(state));
}

}  // namespace fu
