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

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <new>

namespace fu {

namespace {

// One for all words: a system without futexes pays some needless wake-ups. Never destroyed: threads may wait until the
// very end of the program. A child process after fork() forgets it as it is, since another thread may have held the
// lock.
struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
};
alignas(Waiting) unsigned char g_waiting_memory[sizeof(Waiting)];

Waiting& waiting() {
  static Waiting* const w = [] {
    pthread_atfork(nullptr, nullptr, [] { new (g_waiting_memory) Waiting; });
    return new (g_waiting_memory) Waiting;
  }();
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
