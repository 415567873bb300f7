// Requests that are computed a few at a time, and of which a bounded number wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/serve/metrics.h"

namespace fu {

/// A place belongs to a request from its head to the end of its answer, so the number of places bounds the memory that
/// bodies and answers take.
class JobQueue {
 public:
  /// load.places: as many requests are taken, of which `workers` are computed at a time. The load is kept up to date.
  JobQueue(Load& load, int workers);
  /// Begins no other job, and waits for those that run.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// False if all places are taken, and after close().
  bool take_place();
  void give_place();
  /// Runs the job on one of the workers, after those that were given before. It must not throw.
  void run(std::function<void()> job);
  /// From now on no place is given. Returns when none is taken.
  void close();

 private:
  void work();

  Load& load_;
  std::mutex guard_;
  std::condition_variable more_, empty_;
  std::deque<std::function<void()>> jobs_;
  bool closed_ = false, ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fu
