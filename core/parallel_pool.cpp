// Parallel loops on threads of our own.
//
// Each loop that runs takes a slot. Threads without work look for a slot with room, join it, take chunks until none is
// left, and leave. The caller works too; when no chunk is left, it closes the slot and waits for those inside only. So
// a thread that never got a core delays nothing. Joining and leaving are single atomic steps: no lock exists that a
// thread could hold while the system has taken it off its core.

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "core/cores.h"
#include "core/kernels/targets/cpu.h"
#include "core/parallel_loop.h"
#include "core/system.h"
#include "core/wait.h"

namespace fu {

namespace {

using Clock = std::chrono::steady_clock;

// Loops follow each other within microseconds; to wake a sleeping thread takes 10 to 50.
constexpr std::chrono::microseconds kSpin{30};
constexpr int kSpins = 1000;  // looks at the clock at most, should it be set back meanwhile

constexpr int kSlots = 32;  // loops of different callers at once; one more runs on its calling thread alone

// A slot's state: how many threads are inside, how many more may join, and whether the caller sleeps until all have
// left.
constexpr std::uint32_t kInside = 1, kInsideMask = 0xfff, kRoom = 0x1000, kRoomMask = 0xfff000,
                        kCallerSleeps = 1u << 31;
static_assert(kMaxThreads <= 0xfff, "as many must fit the fields");

/// Looks at done() for a while. Returns its last answer.
template <class F>
bool spin_until(const F& done) {
  const auto end = Clock::now() + kSpin;
  int spins = 0;
  do
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause_briefly();
    }
  while (Clock::now() < end && ++spins < kSpins);
  return done();
}

struct alignas(64) Slot {
  std::atomic<std::uint32_t> state{0};
  std::atomic<bool> taken{false};
  ParallelLoop* loop = nullptr;  // written by the caller while nobody can join

  void open(ParallelLoop& l) {
    loop = &l;
    state.store(static_cast<std::uint32_t>(l.workers - 1) * kRoom, std::memory_order_release);
  }

  /// The number of the worker that the calling thread now is, from 1 on; 0 if there was no room.
  int join() {
    std::uint32_t s = state.load(std::memory_order_relaxed);
    while (s & kRoomMask)
      if (state.compare_exchange_weak(s, s - kRoom + kInside, std::memory_order_acq_rel, std::memory_order_relaxed))
        return static_cast<int>((s & kRoomMask) / kRoom);
    return 0;
  }

  /// After this the slot may belong to another loop.
  void leave() {
    state.fetch_and(~kRoomMask, std::memory_order_relaxed);  // no chunk is left for others either
    const std::uint32_t before = state.fetch_sub(kInside, std::memory_order_acq_rel);
    if ((before & kInsideMask) == kInside && (before & kCallerSleeps)) wake(state, 1);
  }

  /// Nobody joins any more; returns when those inside have left.
  void close() {
    state.fetch_and(~kRoomMask, std::memory_order_relaxed);
    const auto empty = [this] { return (state.load(std::memory_order_acquire) & kInsideMask) == 0; };
    if (spin_until(empty)) return;
    // Asleep, the caller gives its core to the system, which moves a thread here that waits for another core.
    while (!empty()) {
      const std::uint32_t s = state.fetch_or(kCallerSleeps, std::memory_order_acq_rel) | kCallerSleeps;
      if (s & kInsideMask) wait_while(state, s);
    }
  }
};

class ThreadPool {
 public:
  void run(ParallelLoop& loop);
  void stop();

 private:
  Slot* take_slot();
  void hire(int n);
  void serve();
  bool help_somebody();
  void wake_others(int n);

  Slot slots_[kSlots];
  alignas(64) std::atomic<std::uint32_t> news_{0};  // counts loops that were opened
  std::atomic<int> asleep_{0}, hired_{0};
  std::atomic<bool> stopping_{false};
  std::mutex hiring_;
  std::thread threads_[kMaxThreads];
};

// The pool stands in memory that is never destroyed, because threads of the application may still be in a loop while
// the program ends, and because a child process must forget it as it is.
alignas(ThreadPool) unsigned char g_pool_memory[sizeof(ThreadPool)];
std::atomic<bool> g_open{false};      // from loading to unloading of this code; outside, loops run serially
std::atomic<unsigned> g_forks{0};     // how many forks lie between this process and the one that loaded this code
thread_local bool g_of_pool = false;  // whether the thread is one of the pool's

ThreadPool& thread_pool() { return *std::launder(reinterpret_cast<ThreadPool*>(g_pool_memory)); }

/// In a child process only the thread that called fork() exists: it starts with a fresh pool.
void after_fork_in_child() {
  g_forks.fetch_add(1);
  new (g_pool_memory) ThreadPool;
}

// Joins the threads at the end of the program, and before a shared library that holds this code is unloaded.
struct PoolOfProcess {
  PoolOfProcess() {
    new (g_pool_memory) ThreadPool;
    os::at_fork(nullptr, nullptr, after_fork_in_child);
    g_open = true;
  }
  ~PoolOfProcess() {
    g_open = false;
    thread_pool().stop();
  }
} g_pool_of_process;

void ThreadPool::run(ParallelLoop& loop) {
  Slot* const slot = take_slot();
  if (!slot) return loop.work(0);
  hire(loop.workers - 1);
  const unsigned forks = g_forks.load(std::memory_order_relaxed);
  slot->open(loop);
  news_.fetch_add(1);
  wake_others(1);
  loop.work(0);
  if (forks != g_forks.load(std::memory_order_relaxed)) return;  // a child that the loop's body forked
  slot->close();
  slot->taken.store(false, std::memory_order_release);
}

Slot* ThreadPool::take_slot() {
  for (Slot& slot : slots_)
    if (!slot.taken.load(std::memory_order_relaxed) && !slot.taken.exchange(true, std::memory_order_acq_rel))
      return &slot;
  return nullptr;
}

/// Starts threads until there are n, or as many as the system allows.
void ThreadPool::hire(int n) {
  if (hired_.load(std::memory_order_acquire) >= n) return;
  std::lock_guard<std::mutex> lock(hiring_);
  // Signals are for the application's threads.
  os::without_signals([&] {
    try {
      for (int i = hired_.load(); i < n && !stopping_; ++i) {
        threads_[i] = std::thread([this] { serve(); });
        hired_.store(i + 1, std::memory_order_release);
      }
    } catch (const std::exception&) {
      // Fewer threads do the same work.
    }
  });
}

void ThreadPool::serve() {
  g_of_pool = true;
  const unsigned forks = g_forks.load();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::uint32_t seen = news_.load();
    if (help_somebody()) {
      if (forks != g_forks.load(std::memory_order_relaxed)) return;  // a child that the loop's body forked
      continue;
    }
    if (spin_until([&] { return news_.load(std::memory_order_acquire) != seen; })) continue;
    // Whoever opens a loop changes news_ first and looks at asleep_ then; here it is the other way round, so that one
    // of both sees the other.
    asleep_.fetch_add(1);
    if (news_.load() == seen) wait_while(news_, seen);
    asleep_.fetch_sub(1);
  }
}

bool ThreadPool::help_somebody() {
  for (Slot& slot : slots_) {
    const int worker = slot.join();
    if (worker == 0) continue;
    // Those awake wake the others: of many threads all are up after a few steps, and few chunks wake few.
    if (slot.state.load(std::memory_order_relaxed) & kRoomMask) wake_others(2);
    const unsigned forks = g_forks.load(std::memory_order_relaxed);
    slot.loop->work(worker);
    if (forks == g_forks.load(std::memory_order_relaxed)) slot.leave();
    return true;
  }
  return false;
}

void ThreadPool::wake_others(int n) {
  if (asleep_.load() > 0) wake(news_, n);
}

void ThreadPool::stop() {
  std::lock_guard<std::mutex> lock(hiring_);
  stopping_ = true;
  news_.fetch_add(1);
  wake(news_, kMaxThreads);
  if (g_of_pool) return;  // exit() inside a loop's body: a thread cannot wait for itself
  for (int i = 0; i < hired_; ++i) threads_[i].join();
}

}  // namespace

int default_threads() {
  static std::atomic<int> known{0};
  int n = known.load(std::memory_order_relaxed);
  if (n > 0) return n;
  const char* const wish = std::getenv("OMP_NUM_THREADS");
  n = wish ? std::atoi(wish) : 0;  // of a list, one number a level of nesting, the first
  if (n <= 0) n = usable_cores();
  known.store(n, std::memory_order_relaxed);
  return n;
}

bool inside_foreign_team() { return false; }

void run_with_team(ParallelLoop& loop) {
  if (g_open.load(std::memory_order_relaxed))
    thread_pool().run(loop);
  else
    loop.work(0);
}

}  // namespace fu
