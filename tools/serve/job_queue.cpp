#include "tools/serve/job_queue.h"

#include <system_error>
#include <utility>

namespace fu {

JobQueue::JobQueue(Load& load, int workers) : load_(load) {
  try {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;  // fewer threads do the same work
  }
}

JobQueue::~JobQueue() {
  {
    const std::lock_guard<std::mutex> lock(guard_);
    ending_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool JobQueue::take_place() {
  const std::lock_guard<std::mutex> lock(guard_);
  if (closed_ || load_.taken >= load_.places) return false;
  ++load_.taken;
  return true;
}

void JobQueue::give_place() {
  const std::lock_guard<std::mutex> lock(guard_);
  if (--load_.taken == 0) empty_.notify_all();
}

void JobQueue::run(std::function<void()> job) {
  {
    const std::lock_guard<std::mutex> lock(guard_);
    jobs_.push_back(std::move(job));
    ++load_.waiting;
  }
  more_.notify_one();
}

void JobQueue::close() {
  std::unique_lock<std::mutex> lock(guard_);
  closed_ = true;
  empty_.wait(lock, [this] { return load_.taken == 0; });
}

void JobQueue::work() {
  std::unique_lock<std::mutex> lock(guard_);
  for (;;) {
    more_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    --load_.waiting;
    ++load_.running;
    lock.unlock();
    job();
    lock.lock();
    --load_.running;
  }
}

}  // namespace fu
