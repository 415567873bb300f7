// What a context holds. Only core's own files include this.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>

#include "core/pool.h"

namespace fu {

struct FreeBlocks {
  std::vector<void*> blocks;
  std::uint64_t used = 0;  // when one of that size was last given or taken
};

/// Limits and memory, of a context or of the process. All but `threads` is guarded by the pool's lock.
struct ContextState {
  std::map<std::size_t, FreeBlocks> free;  // by size of the block
  PoolStats stats;
  std::size_t limit = 0;  // bytes; 0: none
  std::size_t cache_limit = kNoCacheLimit;
  std::atomic<int> threads{0};  // 0: the process's
  bool ended = false;           // its Context is gone: nothing is kept
  std::size_t references = 1;   // of the Context, of threads that are inside, and of blocks in use
};

/// The context that the calling thread is in; null for none.
ContextState* current_context() noexcept;
/// Puts the calling thread into another; returns the one before. It counts no reference.
ContextState* exchange_context(ContextState* context) noexcept;

}  // namespace fu
