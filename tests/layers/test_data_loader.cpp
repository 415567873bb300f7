// Batches: their order, their threads, their end.
#include <atomic>
#include <set>

#include "core/ops.h"
#include "layers/data_loader.h"
#include "tests/process.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

struct Batch {
  Index number = 0;
  std::vector<Index> items;
  Tensor noise;
  bool operator==(const Batch& other) const {
    return number == other.number && items == other.items && same_bits(noise, other.noise);
  }
};

Batch make(BatchRequest& r) { return {r.batch, r.items, r.random.normal({4})}; }

std::vector<Batch> epoch_of(const DataLoaderOptions& options, Index items, Index epoch, Index first = 0) {
  DataLoader<Batch> loader(items, make, options);
  loader.start(epoch, first);
  std::vector<Batch> all;
  while (std::optional<Batch> batch = loader.next()) all.push_back(*batch);
  CHECK(!loader.next());
  return all;
}

}  // namespace

TEST_CASE("data loader: the order is a function of seed and epoch") {
  const std::vector<Index> order = shuffled_order(10, 1, 0);
  CHECK(order == std::vector<Index>{4, 2, 5, 7, 1, 9, 0, 6, 3, 8});  // a resumed training must find the same
  CHECK(shuffled_order(10, 1, 1) != order);
  CHECK(shuffled_order(10, 2, 0) != order);
  CHECK(shuffled_order(0, 1, 0).empty());
  // Every place is equally likely: of 4 items in 4000 orders, each is first about 1000 times (standard deviation 27).
  Index first[4] = {};
  for (Index epoch = 0; epoch < 4000; ++epoch) ++first[shuffled_order(4, 5, epoch)[0]];
  for (const Index n : first) CHECK(std::abs(n - 1000) < 140);
}

TEST_CASE("data loader: the same batches for any number of threads, and from any batch on") {
  DataLoaderOptions o;
  o.batch = 4, o.seed = 7, o.prefetch = 0;
  const std::vector<Batch> expected = epoch_of(o, 18, 3);
  CHECK(expected.size() == 5);
  CHECK(expected.back().items.size() == 2);
  std::set<Index> seen;
  for (const Batch& b : expected) seen.insert(b.items.begin(), b.items.end());
  CHECK(seen.size() == 18);
  for (const Index prefetch : {1, 2, 9})
    for (const Index threads : {1, 3}) {
      o.prefetch = prefetch, o.threads = threads;
      const WithThreads kernels(static_cast<int>(threads));
      CHECK(epoch_of(o, 18, 3) == expected);
      const std::vector<Batch> rest = epoch_of(o, 18, 3, 2);
      CHECK(rest == std::vector<Batch>(expected.begin() + 2, expected.end()));
      CHECK(epoch_of(o, 18, 3, 5).empty());
    }
  CHECK(!(epoch_of(o, 18, 4) == expected));
  o.drop_last = true;
  CHECK(epoch_of(o, 18, 3).size() == 4);
  CHECK(epoch_of(o, 3, 3).empty());
  o.shuffle = false;
  CHECK(epoch_of(o, 18, 3)[1].items == std::vector<Index>{4, 5, 6, 7});
}

TEST_CASE("data loader: epochs follow one another, also unfinished ones") {
  DataLoaderOptions o;
  o.batch = 2;
  DataLoader<Batch> loader(10, make, o);
  CHECK(contains(message_of([&] { loader.next(); }), "[data_loader] next() before start()"));
  for (const Index epoch : {0, 1, 0}) {
    loader.start(epoch);
    CHECK(loader.next()->items == epoch_of(o, 10, epoch)[0].items);
    CHECK(loader.next()->number == 1);
  }
  CHECK(contains(message_of([&] { loader.start(0, 6); }), "[data_loader] batch 6 of 5"));
  o.batch = 0;
  CHECK(contains(message_of([&] { DataLoader<Batch>(10, make, o); }), "[data_loader] 10 items in batches of 0"));
}

TEST_CASE("data loader: it makes no more ahead than it may, and stops cleanly") {
  std::atomic<Index> made{0};
  const Index before = thread_count();
  {
    DataLoaderOptions o;
    o.prefetch = 3, o.threads = 2;
    DataLoader<Index> loader(
        100,
        [&](BatchRequest& r) {
          ++made;
          return r.batch;
        },
        o);
    loader.start(0);
    for (Index taken = 0; taken < 10; ++taken) {
      CHECK(*loader.next() == taken);
      CHECK(made <= taken + 1 + 3);
    }
    for (int wait = 0; wait < 1000 && made < 13; ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(made == 13);
  }
  CHECK(made == 13);
  CHECK(thread_count() == before);
}

TEST_CASE("data loader: an exception comes out at its batch, and the next batch follows") {
  for (const Index prefetch : {0, 1, 4}) {
    DataLoaderOptions o;
    o.shuffle = false, o.prefetch = prefetch, o.threads = 2;
    DataLoader<Index> loader(
        4,
        [](BatchRequest& r) -> Index {
          require<FileError>(r.batch != 2, "photo 2 cannot be read");
          return r.items[0];
        },
        o);
    loader.start(0);
    CHECK(*loader.next() == 0);
    CHECK(*loader.next() == 1);
    CHECK_THROWS_AS(loader.next(), FileError);
    CHECK(*loader.next() == 3);
    CHECK(!loader.next());
  }
}
