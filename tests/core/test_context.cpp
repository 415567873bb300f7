// Limits of some threads: they hold there and nowhere else, and memory goes back to where it came from.
#include "core/context.h"

#include <atomic>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "core/tensor.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
const Shape kQuarterMegabyte{65536};  // and more, if numbers are doubles

}  // namespace

TEST_CASE("context: limits hold inside, and those of the process outside") {
  const WithThreads three(3);
  const Context context;
  {
    const InContext inside(context);
    CHECK(threads() == 3);
    set_threads(1);
    CHECK(threads() == 1);
    set_memory_limit(kMegabyte);
    CHECK_THROWS_AS(Tensor({1000000}), MemoryError);
    CHECK(pool_stats().live == 0);
    std::thread([] {
      CHECK(threads() == 3);
      CHECK_NOTHROW(Tensor({1000000}));
    }).join();
  }
  CHECK(threads() == 3);
  CHECK_NOTHROW(Tensor({1000000}));
  const InContext again(context);
  CHECK(threads() == 1);
  CHECK_THROWS_AS(Tensor({1000000}), MemoryError);
}

TEST_CASE("context: memory counts where it was taken, and in the process") {
  const Context context;
  trim_pool();
  const std::size_t before = pool_stats().live;
  std::optional<Tensor> made;
  std::size_t live = 0;
  {
    const InContext inside(context);
    made.emplace(kQuarterMegabyte);
    live = pool_stats().live;
    CHECK(live > kMegabyte / 4);
  }
  CHECK(pool_stats().live == before + live);
  std::thread([&] { made.reset(); }).join();
  CHECK(pool_stats().live == before);
  CHECK(pool_stats().cached == 0);
  const InContext inside(context);
  CHECK(pool_stats().live == 0);
  CHECK(pool_stats().cached == live);  // kept where it came from
  const std::size_t calls = pool_stats().system_calls;
  { const Tensor again(kQuarterMegabyte); }
  CHECK(pool_stats().system_calls == calls);
  trim_pool();
  CHECK(pool_stats().cached == 0);
}

TEST_CASE("context: the process's limit is for all contexts together") {
  const Context one, other;
  std::optional<Tensor> held;
  {
    const InContext inside(one);
    held.emplace(Shape{1000000});
  }
  set_memory_limit(pool_stats().live + kMegabyte);
  {
    const InContext inside(other);
    CHECK_THROWS_AS(Tensor({1000000}), MemoryError);
    CHECK_NOTHROW(Tensor({1000}));
  }
  held.reset();
  set_memory_limit(0);
}

TEST_CASE("context: the threads of a loop are in the context of its caller, and leave it") {
  const WithThreads four(4);
  const Context context;
  const InContext inside(context);
  set_memory_limit(kMegabyte / 2);
  std::atomic<int> refused{0};
  for (int round = 0; round < 20; ++round)
    parallel_for(16, [&](Index) {
      try {
        const Tensor scratch({1000000});
      } catch (const MemoryError&) {
        ++refused;
      }
    });
  CHECK(refused == 20 * 16);
  use_context(nullptr);
  std::atomic<int> made{0};
  parallel_for(16, [&](Index) {
    const Tensor scratch({1000000});
    ++made;
  });
  CHECK(made == 16);
  use_context(&context);
}

TEST_CASE("context: what was made outlives it, and so do threads inside") {
  std::optional<Context> context(std::in_place);
  std::optional<InContext> inside(std::in_place, *context);
  std::optional<Tensor> made(std::in_place, kQuarterMegabyte);
  made->data()[65535] = 7;
  context.reset();
  CHECK(made->data()[65535] == 7);
  { const Tensor more(kQuarterMegabyte); }
  CHECK(pool_stats().cached == 0);  // nobody would use it
  inside.reset();
  const std::size_t live = pool_stats().live;
  made.reset();
  CHECK(pool_stats().live < live);
}
