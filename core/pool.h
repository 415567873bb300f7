// Memory of tensors: 64-byte-aligned blocks that are kept for reuse, because a training step wants the same sizes again
// and again, and because fresh pages from the system cost more than the arithmetic done on them.
#pragma once

#include <cstddef>
#include <vector>

namespace fu {

/// What the pool has done so far, in bytes and calls.
struct PoolStats {
  std::size_t live = 0;          // handed out now
  std::size_t cached = 0;        // kept for reuse
  std::size_t peak_live = 0;     // largest `live` since reset_pool_peak()
  std::size_t system_calls = 0;  // blocks asked of the system: constant while a training loop runs
};

/// A block of at least `bytes` bytes, contents undefined. Throws UsageError if that would take more than the limit, or
/// than the machine has. Safe from any thread.
void* pool_take(std::size_t bytes);
/// Gives a block back; `bytes` as it was taken.
void pool_give(void* block, std::size_t bytes) noexcept;

/// Largest sum of live bytes; 0: no limit.
void set_memory_limit(std::size_t bytes);

PoolStats pool_stats();
void reset_pool_peak();
/// Returns all cached blocks to the system.
void trim_pool();

/// For containers that come and go with every training step.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(pool_take(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { pool_give(p, n * sizeof(T)); }
  bool operator==(const PoolAllocator&) const { return true; }
  bool operator!=(const PoolAllocator&) const { return false; }
};
template <class T>
using PoolVector = std::vector<T, PoolAllocator<T>>;

}  // namespace fu
