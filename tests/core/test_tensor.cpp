#include <thread>

#include "core/pool.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("shape: axes, elements, errors") {
  const Shape s{2, 3, 4};
  CHECK(s.elements() == 24);
  CHECK(s[-1] == 4);
  CHECK(s.str() == "(2,3,4)");
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{5, 0, 7}.elements() == 0);
  CHECK(contains(message_of([&] { (void)s[3]; }), "[shape] axis 3 of (2,3,4)"));
  CHECK(contains(message_of([] { Shape{-1}; }), "negative"));
  CHECK(contains(message_of([] {
                   (void)Shape{Index{1} << 40, Index{1} << 40}.elements();
                 }),
                 "more elements than can be counted"));
}

TEST_CASE("tensor: sharing, reshape, permute, slice") {
  const Tensor t = Tensor::from({2, 3}, {0, 1, 2, 3, 4, 5});
  CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
  CHECK(t.reshape({3, -1}).data() == t.data());
  CHECK(t.reshape({3, -1}).shape() == Shape{3, 2});
  CHECK(contains(message_of([&] { t.reshape({4, 2}); }), "[reshape] (2,3) to (4,2)"));
  CHECK(contains(message_of([&] { t.reshape({4, -1}); }), "[reshape]"));
  const Tensor p = t.permute({1, 0});
  CHECK(p.shape() == Shape{3, 2});
  CHECK(p.data()[1] == 3);
  CHECK(p.data()[4] == 2);
  CHECK(contains(message_of([&] { t.permute({0, 0}); }), "[permute]"));
  const Tensor s = t.slice(1, 2);
  CHECK(s.shape() == Shape{1, 3});
  CHECK(s.data()[0] == 3);
  CHECK(contains(message_of([&] { t.slice(1, 3); }), "[slice]"));
  CHECK(Tensor::zeros({0, 4}).size() == 0);
  CHECK(contains(message_of([&] { (void)t.item(); }), "[item]"));
}

TEST_CASE("pool: blocks are reused, the limit holds, threads may share it" * doctest::skip(!kHasThreads)) {
  { Tensor a({1000, 1000}); }
  const auto before = pool_stats();
  for (int i = 0; i < 10; ++i) Tensor a({1000, 1000});
  CHECK(pool_stats().system_calls == before.system_calls);
  set_memory_limit(pool_stats().live + 1000000);
  CHECK(contains(message_of([] { Tensor a({1000, 1000}); }), "would exceed the limit"));
  CHECK_THROWS_AS(Tensor({1000, 1000}), MemoryLimitError);
  set_memory_limit(0);
  // Of 32 bits, no pointer reaches that far.
  CHECK(contains(message_of([] { Tensor a({Index{1} << 44}); }), sizeof(void*) >= 8 ? "[memory]" : "[tensor]"));
  std::vector<std::thread> pool_users;
  for (int t = 0; t < 4; ++t)
    pool_users.emplace_back([] {
      for (int i = 0; i < 1000; ++i) Tensor a({i % 100 + 1});
    });
  for (auto& t : pool_users) t.join();
  CHECK(pool_stats().live == before.live);
}

TEST_CASE("random: a stream is a function of seed and position alone") {
  // Known answers of Philox4x32-10 (counter and key all zero, all ones), from the authors' Random123 distribution.
  const Philox zero = philox(0, 0, 0);
  CHECK(zero.word[0] == 0x6627e8d5);
  CHECK(zero.word[1] == 0xe169c58d);
  CHECK(zero.word[2] == 0xbc57ac4c);
  CHECK(zero.word[3] == 0x9b00dbd8);
  const Philox ones = philox(~0ull, ~0ull, ~0ull);
  CHECK(ones.word[0] == 0x408f276d);
  CHECK(ones.word[3] == 0x6d5451fd);
  Random a(7), b(7), other(7, 1);
  const Tensor x = a.normal({1000});
  CHECK(same_bits(x, b.normal({1000})));
  CHECK(!same_bits(x, other.normal({1000})));
  b.seek(10);
  Random c(7);
  for (int i = 0; i < 10; ++i) c.uniform();
  CHECK(b.uniform() == c.uniform());
  double mean = 0, square = 0;
  for (Index i = 0; i < x.size(); ++i) {
    mean += static_cast<double>(x.data()[i]) / 1000;
    square += static_cast<double>(x.data()[i]) * static_cast<double>(x.data()[i]) / 1000;
  }
  CHECK(std::abs(mean) < 0.15);
  CHECK(std::abs(square - 1) < 0.2);
  for (int i = 0; i < 100; ++i) {
    const Index n = a.below(3);
    CHECK((n >= 0 && n < 3));
  }
}

TEST_CASE("random: a tensor holds the draws that would come one by one") {
  for (Index before : {Index{0}, Index{3}, Index{5}})
    for (Index n : {Index{0}, Index{1}, Index{4}, Index{7}, Index{50001}}) {
      Random whole(7, 2), single(7, 2);
      for (Index i = 0; i < before; ++i) whole.uniform(), single.uniform();
      const Tensor t = whole.uniform({n}, -2, 3);
      CHECK(whole.position() == single.position() + static_cast<std::uint64_t>(n));
      Index different = 0;
      for (Index i = 0; i < n; ++i) different += t.data()[i] != single.uniform(-2, 3);
      CHECK(different == 0);
    }
}
