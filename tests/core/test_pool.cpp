// The memory of tensors: what is kept for reuse has a bound, and can be given back.
#include "core/error.h"
#include "core/pool.h"
#include "core/tensor.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr std::size_t kOneMegabyte = std::size_t{1} << 20;

struct WithCacheLimit {
  explicit WithCacheLimit(std::size_t bytes) { set_cache_limit(bytes); }
  ~WithCacheLimit() { set_cache_limit(kNoCacheLimit); }
};

/// Takes and gives back a block of each size, all of them in use at the same time.
void use_blocks(const std::vector<std::size_t>& megabytes) {
  std::vector<void*> blocks;
  for (const std::size_t n : megabytes) blocks.push_back(pool_take(n * kOneMegabyte));
  for (std::size_t i = 0; i < blocks.size(); ++i) pool_give(blocks[i], megabytes[i] * kOneMegabyte);
}

/// Whether a block of that size is kept: taking it asks the system for nothing.
bool is_kept(std::size_t megabytes) {
  const std::size_t before = pool_stats().system_calls;
  pool_give(pool_take(megabytes * kOneMegabyte), megabytes * kOneMegabyte);
  return pool_stats().system_calls == before;
}

}  // namespace

TEST_CASE("pool: what is kept stays below the bound, whatever sizes are asked for") {
  trim_pool();
  const WithCacheLimit bound(10 * kOneMegabyte);
  for (std::size_t n = 1; n <= 24; ++n) {
    use_blocks({n, 3, 1});
    CHECK(pool_stats().cached <= 10 * kOneMegabyte);
  }
}

TEST_CASE("pool: sizes that were used longest ago go first") {
  trim_pool();
  const WithCacheLimit bound(10 * kOneMegabyte);
  use_blocks({4});
  use_blocks({3});
  use_blocks({2});
  CHECK(is_kept(4));  // and so 3 was used longest ago
  use_blocks({1, 5});
  CHECK(is_kept(4));
  CHECK_FALSE(is_kept(3));
}

TEST_CASE("pool: a lower bound takes effect at once; 0 keeps nothing, and trimming empties the cache") {
  trim_pool();
  use_blocks({4, 4, 4});
  CHECK(pool_stats().cached == 12 * kOneMegabyte);
  {
    const WithCacheLimit bound(5 * kOneMegabyte);
    CHECK(pool_stats().cached == 4 * kOneMegabyte);
    set_cache_limit(0);
    CHECK(pool_stats().cached == 0);
    use_blocks({1});
    CHECK(pool_stats().cached == 0);
  }
  use_blocks({4, 4});
  CHECK(pool_stats().cached == 8 * kOneMegabyte);
  trim_pool();
  CHECK(pool_stats().cached == 0);
}

TEST_CASE("pool: too little memory is an error of its own kind") {
  set_memory_limit(pool_stats().live + 1000);
  CHECK_THROWS_AS(Tensor({1000, 1000}), MemoryError);
  set_memory_limit(0);
}
