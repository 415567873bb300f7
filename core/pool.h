// Memory of tensors. Freed blocks are kept and used again: a training step needs the same sizes as the step before, and
// the system's work to provide fresh pages takes longer than the arithmetic on them.
#pragma once

#include <cstddef>
#include <vector>

namespace fu {

/// What the pool holds, and what it has done so far.
struct PoolStats {
  std::size_t live = 0;          // bytes in use
  std::size_t cached = 0;        // bytes kept for reuse
  std::size_t peak_live = 0;     // largest `live` since reset_pool_peak(), bytes
  std::size_t system_calls = 0;  // number of blocks asked of the system: constant while a training loop runs
};

// All functions here may be called from any thread.

/// A block of at least `bytes` bytes, aligned to 64 bytes, contents undefined.
/// throws MemoryLimitError if the memory in use would exceed the limit, MemoryError if the machine does not have it.
void* pool_take(std::size_t bytes);
/// Gives a block back. bytes: the number that it was taken with.
void pool_give(void* block, std::size_t bytes) noexcept;

/// Limits the sum of bytes in use; 0: no limit, as at the start. What exceeds it is refused by pool_take.
void set_memory_limit(std::size_t bytes);

/// Bounds the bytes that are kept for reuse: blocks of the sizes that were asked for longest ago go back to the system
/// first, at once and whenever more would be kept. 0: nothing is kept; kNoCacheLimit, as at the start: as many as the
/// work so far needed at a time and a quarter more, or 512 MB, whichever is more.
void set_cache_limit(std::size_t bytes);
constexpr std::size_t kNoCacheLimit = ~std::size_t{0};

/// What the pool holds now.
/// @code
/// const Tensor x = Tensor::zeros({1000, 1000});
/// assert(pool_stats().live >= 1000 * 1000 * sizeof(real));
/// @endcode
PoolStats pool_stats();
/// Sets peak_live to the bytes in use now.
void reset_pool_peak();
/// Returns all cached blocks to the system, and what other parts keep for reuse (trim.h).
void trim_pool();

/// Allocator for the standard library's containers that are built and freed in every training step.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  /// Allocators of all types take from one pool.
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  /// Room for n elements. throws as pool_take().
  T* allocate(std::size_t n) { return static_cast<T*>(pool_take(n * sizeof(T))); }
  /// n: as it was allocated with.
  void deallocate(T* p, std::size_t n) noexcept { pool_give(p, n * sizeof(T)); }
  bool operator==(const PoolAllocator&) const { return true; }
  bool operator!=(const PoolAllocator&) const { return false; }
};
/// A vector of any type in memory of the pool.
template <class T>
using PoolVector = std::vector<T, PoolAllocator<T>>;

}  // namespace fu
