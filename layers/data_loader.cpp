#include "layers/data_loader.h"

#include <numeric>

namespace fu {

std::vector<Index> shuffled_order(Index n, std::uint64_t seed, Index epoch) {
  std::vector<Index> order(usize(n));
  std::iota(order.begin(), order.end(), Index{0});
  Random random(seed, static_cast<std::uint64_t>(epoch));
  for (Index i = n - 1; i > 0; --i) std::swap(order[usize(i)], order[usize(random.below(i + 1))]);
  return order;
}

BatchPlan::BatchPlan(Index items, const DataLoaderOptions& o) : items_(items), batches_(0), options_(o) {
  require<UsageError>(items >= 0 && o.batch >= 1 && o.prefetch >= 0 && o.threads >= 1, "[data_loader] ", items,
                      " items in batches of ", o.batch, ", ", o.prefetch, " made ahead by ", o.threads,
                      " threads: batches and threads must be 1 or more, the others not negative.");
  batches_ = (items + (o.drop_last ? 0 : o.batch - 1)) / o.batch;
}

void BatchPlan::start(Index epoch) {
  epoch_ = epoch;
  if (options_.shuffle) {
    order_ = shuffled_order(items_, options_.seed, epoch);
  } else {
    order_.resize(usize(items_));
    std::iota(order_.begin(), order_.end(), Index{0});
  }
}

BatchRequest BatchPlan::request(Index batch) const {
  // A key of its own for every batch, far from those that seeds of users are.
  const Philox key = philox(options_.seed, static_cast<std::uint64_t>(batch), ~static_cast<std::uint64_t>(epoch_));
  BatchRequest r{epoch_, batch, {}, Random(std::uint64_t{key.word[0]} << 32 | key.word[1], key.word[2])};
  const Index begin = batch * options_.batch, end = std::min(items_, begin + options_.batch);
  r.items.assign(order_.begin() + begin, order_.begin() + end);
  return r;
}

}  // namespace fu
