#include "core/wait.h"

#include <condition_variable>
#include <mutex>
#include <new>

#include "core/system.h"

namespace fu {

namespace {

// For a system that cannot sleep on a number. One for all words: that costs some needless wake-ups. Never destroyed:
// threads may wait until the very end of the program. A child process after fork() forgets it as it is, since another
// thread may have held the lock.
struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
};
alignas(Waiting) unsigned char g_waiting_memory[sizeof(Waiting)];

Waiting& waiting() {
  static Waiting* const w = [] {
    os::at_fork(nullptr, nullptr, [] { new (g_waiting_memory) Waiting; });
    return new (g_waiting_memory) Waiting;
  }();
  return *w;
}

}  // namespace

void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  if (os::sleep_while(word, value)) return;
  std::unique_lock<std::mutex> lock(waiting().mutex);
  waiting().changed.wait(lock, [&] { return word.load() != value; });
}

void wake(std::atomic<std::uint32_t>& word, int n) {
  if (os::wake_sleepers(word, n)) return;
  { std::lock_guard<std::mutex> lock(waiting().mutex); }  // who has just looked at the word sleeps by now
  waiting().changed.notify_all();
}

}  // namespace fu
