// Parallel loops: results, exceptions, nesting, many callers, fork, and unloading. Built twice: into featup_tests with
// the threads that the library was built with, and into a small program with those of OpenMP. Fork and unloading are
// for the library's own threads alone: libgomp hangs after a fork and cannot be unloaded.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/parallel.h"
#include "core/parallel_loop.h"
#include "tests/process.h"

using namespace fu;
using namespace fu::test;

namespace {

bool own_threads() { return std::string(FU_THREADS) == "pool"; }

struct ThreadCount {
  explicit ThreadCount(int n) { set_threads(n); }
  ~ThreadCount() { set_threads(0); }
};

/// Numbers whose sum depends on the order of the additions.
std::vector<float> numbers() {
  std::vector<float> x(200000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 2654435761u % 1000003u) * 1e-3f - 500;
  return x;
}

constexpr Index kParts = 50;
using Scratch = std::vector<std::vector<float>>;  // for each worker

/// Their sum as the library reduces: parts in parallel, then the parts' sums in order. Each part goes through scratch
/// memory of its worker.
float total(const std::vector<float>& x, Scratch& scratch) {
  const Index part = static_cast<Index>(x.size()) / kParts;
  const int workers = static_cast<int>(scratch.size());
  float sums[kParts] = {};
  parallel_for(kParts, workers, [&](Index p, int worker) {
    std::vector<float>& own = scratch.at(usize(worker));
    std::copy_n(x.begin() + p * part, part, own.begin());
    sums[p] = std::accumulate(own.begin(), own.end(), 0.0f);
  });
  return std::accumulate(sums, sums + kParts, 0.0f);
}
float total(const std::vector<float>& x) {
  Scratch scratch(usize(threads()), std::vector<float>(x.size() / kParts));
  return total(x, scratch);
}

/// Runs f in a child process, which has 30 seconds. Whether it returned true there.
template <class F>
bool works_in_child(const F& f) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(30);
    bool good = false;
    try {
      good = f();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("parallel: every chunk runs once, workers are told apart and stay below their number") {
  for (int n : {1, 2, 3, 8, 40})
    for (Index chunks : {Index{0}, Index{1}, Index{2}, Index{1000}}) {
      CAPTURE(n);
      CAPTURE(chunks);
      std::vector<std::atomic<int>> runs(usize(chunks)), inside(usize(n));
      std::atomic<int> wrong{0};
      parallel_for(chunks, n, [&](Index chunk, int worker) {
        if (worker < 0 || worker >= n || inside[usize(worker)]++ != 0) return void(++wrong);
        ++runs[usize(chunk)];
        --inside[usize(worker)];
      });
      CHECK(wrong == 0);
      CHECK(std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& r) { return r == 1; }));
    }
}

TEST_CASE("parallel: several threads work, and a loop goes on without those that do not come") {
  std::set<int> workers;
  std::mutex mutex;
  parallel_for(64, 3, [&](Index, int worker) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::lock_guard<std::mutex> lock(mutex);
    workers.insert(worker);
  });
  CHECK(workers.size() == (std::string(FU_THREADS) == "none" ? 1 : 3));
}

TEST_CASE("parallel: threads receive no signals, but an instruction that fails in one still reaches its handler") {
  if (!own_threads()) return;
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> seen{0}, wrong{0};
  parallel_for(64, 3, [&](Index, int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (std::this_thread::get_id() == caller) return;
    sigset_t held;
    pthread_sigmask(SIG_SETMASK, nullptr, &held);
    ++seen;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM}) wrong += sigismember(&held, number) != 1;
    for (const int number : {SIGILL, SIGBUS, SIGSEGV, SIGFPE}) wrong += sigismember(&held, number) != 0;
  });
  CHECK(seen > 0);
  CHECK(wrong == 0);
}

TEST_CASE("parallel: a reduction has the same bits for any number of threads") {
  const std::vector<float> x = numbers();
  set_threads(1);
  const float one = total(x);
  CHECK(std::accumulate(x.begin(), x.end(), 0.0f) != one);
  for (int n : {2, 3, 8})
    for (int i = 0; i < 50; ++i) {
      const ThreadCount use(n);
      CHECK(total(x) == one);
    }
}

TEST_CASE("parallel: an exception of a chunk reaches the caller, and the threads go on working") {
  for (int n : {1, 2, 3}) {
    const ThreadCount use(n);
    std::atomic<int> begun{0};
    CHECK_THROWS_AS(parallel_for(100000,
                                 [&](Index chunk) {
                                   ++begun;
                                   if (chunk == 7) throw std::range_error("seven");
                                   // An exception takes a while to be caught; on an emulated processor, milliseconds.
                                   if (chunk > 7) std::this_thread::sleep_for(std::chrono::microseconds(100));
                                 }),
                    std::range_error);
    CHECK(begun < 100000);
    std::vector<int> done(100);
    parallel_for(100, [&](Index chunk) { done[usize(chunk)] = 1; });
    CHECK(std::count(done.begin(), done.end(), 1) == 100);
  }
}

TEST_CASE("parallel: a loop inside a loop runs in order on its thread") {
  const ThreadCount use(3);
  std::atomic<int> wrong{0};
  parallel_for(50, [&](Index) {
    const auto self = std::this_thread::get_id();
    Index expected = 0;
    parallel_for(20, 3, [&](Index chunk, int worker) {
      if (chunk != expected++ || worker != 0 || std::this_thread::get_id() != self) ++wrong;
    });
    if (expected != 20) ++wrong;
    try {
      parallel_for(5, [](Index) { throw std::range_error("inner"); });
      ++wrong;
    } catch (const std::range_error&) {
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("parallel: eight threads of the application at once, while another one changes the number of threads") {
  const std::vector<float> x = numbers();
  const float expected = total(x);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread setter([&] {
    for (int n = 0; !stop; n = (n + 1) % 6) {
      set_threads(n);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) wrong += total(x) != expected;
    });
  for (auto& c : callers) c.join();
  stop = true;
  setter.join();
  set_threads(0);
  CHECK(wrong == 0);
}

TEST_CASE("parallel: the number of threads stays within bounds") {
  set_threads(1 << 20);
  CHECK(threads() == kMaxThreads);
  set_threads(-5);
  CHECK(threads() >= 1);
  set_threads(0);
}

TEST_CASE("parallel: threads that stay idle or leave are not replaced by new ones") {
  if (!own_threads()) return;
  for (int i = 0; i < 2000; ++i) parallel_for(8, 2 + i % 3, [](Index, int) {});
  const Index before = thread_count();
  for (int i = 0; i < 2000; ++i) parallel_for(8, 2 + i % 3, [](Index, int) {});
  CHECK(thread_count() <= before);
}

TEST_CASE("parallel: a child process after fork, also while another thread is in a loop") {
  if (!own_threads()) return;
  const ThreadCount use(3);
  const std::vector<float> x = numbers();
  const float expected = total(x);
  const auto works = [&] { return total(x) == expected && total(x) == expected; };
  CHECK(works_in_child(works));
  CHECK(works_in_child([&] { return works() && works_in_child(works); }));
  std::atomic<bool> stop{false};
  std::atomic<int> started{0};
  std::vector<std::thread> busy;
  for (int t = 0; t < 2; ++t)
    busy.emplace_back([&] {
      // No allocation here: AddressSanitizer's allocator does not survive a fork beside it.
      Scratch scratch(3, std::vector<float>(x.size() / kParts));
      ++started;
      while (!stop) total(x, scratch);
    });
  while (started < 2) std::this_thread::yield();
  int good = 0;
  for (int i = 0; i < 20; ++i) good += works_in_child(works);
  stop = true;
  for (auto& b : busy) b.join();
  CHECK(good == 20);
  CHECK(works());
}

TEST_CASE("parallel: a shared library that holds the library is loaded, used and unloaded again and again") {
  if (!own_threads() || std::string(FU_PLUGIN).empty()) return;  // some builds have no such library
  const Index before = thread_count();
  double first = 0;
  for (int i = 0; i < 5; ++i) {
    void* const plugin = dlopen(FU_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(plugin);
    const auto run = reinterpret_cast<double (*)(int)>(dlsym(plugin, "plugin_run"));
    REQUIRE((run != nullptr));
    const double result = run(3);
    if (i == 0) first = result;
    CHECK(result == first);
    CHECK(thread_count() == before + 2);
    CHECK(dlclose(plugin) == 0);
    CHECK(dlopen(FU_PLUGIN, RTLD_NOW | RTLD_NOLOAD) == nullptr);
    CHECK(thread_count() == before);
  }
}
