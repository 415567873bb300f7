// featup_soak CALLS SECONDS: the library called for long in one process. First CALLS calls, one after another, of mixed
// kinds and sizes; then eight threads for SECONDS, on models that they share, while a ninth changes the settings of the
// process. Every result must have the bits that it had alone, and what the process holds must not grow. Prints both as
// tables; exits 1 if one of them does not hold.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <thread>

#include "tests/process.h"
#include "tests/soak/jobs.h"
#include "tests/soak/models.h"

using namespace fu;
using namespace fu::soak;

namespace {

#if defined(FU_ADDRESS_SANITIZER) || defined(FU_THREAD_SANITIZER)
constexpr bool kSanitized = true;  // sanitizers keep freed memory for a while
#else
constexpr bool kSanitized = false;
#endif

constexpr int kThreads = 8;
using Clock = std::chrono::steady_clock;
using Expected = std::vector<std::uint64_t>;  // of each job

/// What the process holds, when the library keeps no freed memory.
struct Use {
  Index resident = 0, heap = 0, tensors = 0;  // kB, kB, bytes
  Index descriptors = 0, threads = 0;
};

Use use() {
  Use now;
  need(fu_trim_cache());
  malloc_trim(0);
  fu_memory memory{};
  need(fu_memory_stats(&memory));
  now.tensors = static_cast<Index>(memory.live);
  now.resident = fu::test::resident_kb();
  now.threads = fu::test::thread_count();
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 heap = mallinfo2();
  now.heap = static_cast<Index>((heap.uordblks + heap.hblkhd) / 1024);
#endif
  for ([[maybe_unused]] const auto& open : std::filesystem::directory_iterator("/proc/self/fd")) ++now.descriptors;
  return now;
}

/// A line of the table. Whether the number grew by no more than `most`.
bool line(const char* name, const char* unit, Index before, Index after, Index most, bool counts = true) {
  const bool flat = after <= before + most || !counts;
  std::printf("  %-24s %12ld %12ld %s%s\n", name, static_cast<long>(before), static_cast<long>(after), unit,
              flat ? "" : "  HAS GROWN");
  return flat;
}

bool compare(const Use& before, const Use& after, Index resident_slack) {
  std::printf("  %-24s %12s %12s\n", "", "warmed up", "at the end");
  bool flat = line("resident memory", "kB", before.resident, after.resident, resident_slack, !kSanitized);
  flat = line("memory of malloc", "kB", before.heap, after.heap, 64, !kSanitized) && flat;
  flat = line("tensors", "bytes", before.tensors, after.tensors, 0) && flat;
  flat = line("descriptors", "", before.descriptors, after.descriptors, 0) && flat;
  return line("threads", "", before.threads, after.threads, 0) && flat;
}

/// Runs a job. Whether its bits were the expected ones; says which were not.
bool right(const Job& job, std::uint64_t expected) {
  try {
    if (job.run() == expected) return true;
    std::fprintf(stderr, "featup_soak: %s: other bits than alone\n", job.name.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "featup_soak: %s: %s\n", job.name.c_str(), error.what());
  }
  return false;
}

/// Every job once in each round, in an order of its own. How many results were wrong.
long one_after_another(const std::vector<Job>& jobs, const Expected& expected, long calls, std::uint64_t seed) {
  long wrong = 0;
  std::vector<Index> order;
  for (long i = 0; i < calls; ++i) {
    const auto n = static_cast<long>(jobs.size());
    if (i % n == 0) order = shuffled_order(n, seed, i / n);
    need(fu_set_threads(static_cast<int>(1 + i % 3)));
    const std::size_t job = usize(order[usize(i % n)]);
    wrong += !right(jobs[job], expected[job]);
  }
  return wrong;
}

bool many_calls(const std::vector<Job>& jobs, const Expected& expected, long calls) {
  const auto begin = Clock::now();
  long wrong = one_after_another(jobs, expected, calls / 5, 1);
  const Use before = use();
  wrong += one_after_another(jobs, expected, calls, 2);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%ld calls of %zu kinds, one after another, behind %ld to warm up: %.0f s\n", calls, jobs.size(),
              calls / 5, seconds);
  const bool flat = compare(before, use(), 1024);
  std::printf("  results with other bits  %ld\n", wrong);
  std::fflush(stdout);
  return flat && wrong == 0;
}

void ignore_line(fu_log_level, const char*, void*) {}

/// Changes, again and again, what holds for all of the process, and must change no result.
void change_settings(const std::atomic<bool>& stop, std::uint64_t seed) {
  Random random(seed, 100);
  const std::uint64_t caches[] = {0, std::uint64_t{4} << 20, UINT64_MAX}, limits[] = {0, std::uint64_t{4} << 30};
  while (!stop) {
    need(fu_set_threads(static_cast<int>(random.below(6))));
    if (random.below(10) == 0) need(fu_set_cache_limit(caches[random.below(3)]));
    if (random.below(10) == 0) need(fu_set_memory_limit(limits[random.below(2)]));
    if (random.below(10) == 0) need(fu_set_log(random.below(2) ? ignore_line : nullptr, nullptr));
    if (random.below(50) == 0) need(fu_trim_cache());
    std::this_thread::sleep_for(std::chrono::microseconds(100 + random.below(2000)));
  }
  need(fu_set_threads(0));
  need(fu_set_cache_limit(UINT64_MAX));
  need(fu_set_memory_limit(0));
  need(fu_set_log(nullptr, nullptr));
}

struct Count {
  std::atomic<long> calls{0}, wrong{0};
};

/// Eight threads, each of which runs every job once, and then jobs drawn at random until the time is over.
void at_once(const std::vector<Job>& jobs, const Expected& expected, double seconds, std::uint64_t seed, Count& count) {
  std::atomic<bool> stop{false};
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::thread> callers;
  for (std::uint64_t t = 0; t < kThreads; ++t)
    callers.emplace_back([&, t] {
      Random random(seed, t);
      const auto n = static_cast<Index>(jobs.size());
      const std::vector<Index> once = shuffled_order(n, seed, static_cast<Index>(t));
      for (Index i = 0; i < n || Clock::now() < end; ++i) {
        const std::size_t job = usize(i < n ? once[usize(i)] : random.below(n));
        count.wrong += !right(jobs[job], expected[job]);
        ++count.calls;
      }
    });
  std::thread setter([&] { change_settings(stop, seed); });
  for (std::thread& caller : callers) caller.join();
  stop = true;
  setter.join();
}

bool many_threads(const std::vector<Job>& jobs, const Expected& expected, double seconds) {
  Count count;
  at_once(jobs, expected, seconds / 5, 1, count);
  const Use before = use();
  at_once(jobs, expected, seconds, 2, count);
  std::printf(
      "%d threads on shared models for %.0f s behind %.0f s to warm up, settings changed beside them: %ld calls\n",
      kThreads, seconds, seconds / 5, count.calls.load());
  // What malloc keeps for each thread differs by chance. Its memory in use is compared exactly.
  const bool flat = compare(before, use(), 16384);
  std::printf("  results with other bits  %ld\n", count.wrong.load());
  return flat && count.wrong == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const long calls = argc == 3 ? std::atol(argv[1]) : 0;
  const double seconds = argc == 3 ? std::atof(argv[2]) : 0;
  if (calls < 1 || seconds <= 0) {
    std::fprintf(stderr, "usage: featup_soak CALLS SECONDS\n");
    return 2;
  }
  // malloc counts what each thread keeps of freed memory as in use, unless it is told to keep none. It is told only
  // when a program starts.
  if (setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 0) == 0 && std::getenv("FU_SOAK_AGAIN") == nullptr) {
    setenv("FU_SOAK_AGAIN", "1", 1);
    execv("/proc/self/exe", argv);
  }
  // Else malloc keeps up to 64 MB of freed memory for each thread that ever called it.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  try {
    const Work work;
    need(fu_set_threads(1));
    Expected expected;
    for (const Job& job : work.jobs()) expected.push_back(job.run());
    const bool alone = many_calls(work.jobs(), expected, calls);
    return many_threads(work.jobs(), expected, seconds) && alone ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "featup_soak: %s\n", error.what());
    return 1;
  }
}
