#include "core/wait.h"

#ifdef __linux__

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fu {

static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free,
              "the kernel must see the number itself");

void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void wake(std::atomic<std::uint32_t>& word, int n) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, n, nullptr, nullptr, 0);
}

}  // namespace fu

#else

#include <condition_variable>
#include <mutex>

namespace fu {

namespace {

// One for all words: a system without futexes pays some needless wake-ups. Never destroyed, see core/pool.cpp.
struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
};
Waiting& waiting() {
  static Waiting* const w = new Waiting;
  return *w;
}

}  // namespace

void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  std::unique_lock<std::mutex> lock(waiting().mutex);
  waiting().changed.wait(lock, [&] { return word.load() != value; });
}

void wake(std::atomic<std::uint32_t>&, int) {
  { std::lock_guard<std::mutex> lock(waiting().mutex); }  // who has just looked at the word sleeps by now
  waiting().changed.notify_all();
}

}  // namespace fu

#endif
