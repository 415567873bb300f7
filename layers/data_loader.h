// Batches of a data set, made ahead by other threads, in an order that the seed and the epoch decide.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"

namespace fu {

/// The numbers 0 .. n - 1 in a random order: a function of n, seed and epoch (Fisher-Yates over Random).
std::vector<Index> shuffled_order(Index n, std::uint64_t seed, Index epoch);

/// Which batches a DataLoader makes, and how far ahead.
struct DataLoaderOptions {
  Index batch = 1;         // items
  bool shuffle = true;     // else the items come in their order
  bool drop_last = false;  // leaves out the items that do not fill a last batch
  std::uint64_t seed = 0;  // of the order, and of what `make` draws
  Index prefetch = 2;      // batches that may wait to be taken; 0: made by next() itself, on its thread
  Index threads = 1;       // that make batches, at most one for each of `prefetch`
};

/// What one batch is made of.
struct BatchRequest {
  Index epoch = 0, batch = 0;  // batches count from 0
  std::vector<Index> items;    // their numbers, in the order of the batch
  Random random;               // for augmentation: a stream of its own for every batch of every epoch
};

/// Checks the options, and works out what each batch is made of.
class BatchPlan {
 public:
  /// throws UsageError unless batch and threads are 1 or more, and items and prefetch 0 or more.
  BatchPlan(Index items, const DataLoaderOptions& options);
  /// Draws the order of an epoch.
  void start(Index epoch);
  Index batches() const { return batches_; }
  /// What batch `batch` of the epoch is made of. May be called by several threads.
  BatchRequest request(Index batch) const;

 private:
  Index items_, batches_, epoch_ = 0;
  DataLoaderOptions options_;
  std::vector<Index> order_;
};

/// Makes batches with a function of the caller. The same seed, epoch and number give the same batch, whatever the
/// numbers of threads, and whether or not the batches before it were made. So a training resumes at batch k with
/// start(epoch, k).
/// @code
/// const auto make = [](BatchRequest& r) { return r.random.normal({static_cast<Index>(r.items.size()), 3}); };
/// DataLoaderOptions options;
/// options.batch = 4;
/// DataLoader<Tensor> loader(10, make, options);  // batches of 4, 4 and 2 items
/// for (Index epoch = 0; epoch < 2; ++epoch) {
///   loader.start(epoch);
///   while (const std::optional<Tensor> batch = loader.next()) assert(batch->dim(0) == 4 || batch->dim(0) == 2);
/// }
/// @endcode
template <class Batch>
class DataLoader {
 public:
  /// make: is called on the threads of the loader, on several at once if there are several, and what it refers to must
  /// outlive the loader.
  using Make = std::function<Batch(BatchRequest&)>;
  /// items: how many the data set has. Nothing is made before start(). throws as BatchPlan.
  DataLoader(Index items, Make make, const DataLoaderOptions& options = {})
      : plan_(items, options), make_(std::move(make)), options_(options), slots_(usize(options.prefetch)) {}
  /// Waits for the batches that are being made.
  ~DataLoader() { stop(); }
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  /// Batches of an epoch.
  Index batches() const { return plan_.batches(); }

  /// Begins an epoch, at its batch `first`. What was made ahead of an earlier epoch is dropped. throws UsageError
  /// unless 0 <= first <= batches().
  void start(Index epoch, Index first = 0) {
    require<UsageError>(first >= 0 && first <= batches(), "[data_loader] batch ", first, " of ", batches(),
                        ": must be one of them, or their number.");
    stop();
    plan_.start(epoch);
    to_make_ = to_take_ = first;
    started_ = true, stopping_ = false;
    for (Slot& slot : slots_) slot = Slot();
    for (Index i = 0; i < std::min(options_.threads, options_.prefetch); ++i) threads_.emplace_back([this] { work(); });
  }

  /// The next batch; nothing behind the last one. Throws what `make` threw for that batch; the call after it goes on
  /// with the batch behind. throws UsageError before start().
  std::optional<Batch> next() {
    require<UsageError>(started_, "[data_loader] next() before start(): begin an epoch first.");
    if (to_take_ >= batches()) return std::nullopt;
    if (options_.prefetch == 0) {
      BatchRequest request = plan_.request(to_take_++);
      return make_(request);
    }
    Slot taken;
    {
      std::unique_lock<std::mutex> lock(guard_);
      Slot& slot = slots_[usize(to_take_ % options_.prefetch)];
      made_.wait(lock, [&] { return slot.ready; });
      taken = std::move(slot);
      slot = Slot();
      ++to_take_;
    }
    room_.notify_one();
    if (taken.error) std::rethrow_exception(taken.error);
    return std::move(taken.batch);
  }

 private:
  struct Slot {
    bool ready = false;
    std::optional<Batch> batch;
    std::exception_ptr error;
  };

  void work() {
    for (;;) {
      Index number = 0;
      {
        std::unique_lock<std::mutex> lock(guard_);
        room_.wait(lock, [&] { return stopping_ || to_make_ >= batches() || to_make_ < to_take_ + options_.prefetch; });
        if (stopping_ || to_make_ >= batches()) break;
        number = to_make_++;
      }
      Slot made;
      made.ready = true;
      try {
        BatchRequest request = plan_.request(number);
        made.batch.emplace(make_(request));
      } catch (...) {
        made.error = std::current_exception();
      }
      {
        const std::lock_guard<std::mutex> lock(guard_);
        slots_[usize(number % options_.prefetch)] = std::move(made);
      }
      made_.notify_one();
    }
    room_.notify_all();  // the others have nothing to wait for either
  }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(guard_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  BatchPlan plan_;
  Make make_;
  DataLoaderOptions options_;
  std::vector<Slot> slots_;  // batch k in slot k % prefetch
  std::vector<std::thread> threads_;
  std::mutex guard_;
  std::condition_variable made_, room_;
  Index to_make_ = 0, to_take_ = 0;
  bool started_ = false, stopping_ = false;
};

}  // namespace fu
