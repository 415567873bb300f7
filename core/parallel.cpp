#include "core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace fu {

namespace {
int g_threads = 0;  // 0: OpenMP's default
}

int threads() { return g_threads > 0 ? g_threads : std::max(1, omp_get_max_threads()); }

void set_threads(int n) { g_threads = std::max(0, n); }

void parallel_chunks(Index chunks, void (*body)(void*, Index, int), void* context) {
  if (chunks <= 0) return;
  const int n = static_cast<int>(std::min<Index>(threads(), chunks));
  if (n == 1 || omp_in_parallel()) {
    for (Index c = 0; c < chunks; ++c) body(context, c, 0);
    return;
  }
  // Dynamic: which thread runs a chunk changes nothing but the time it takes.
  std::atomic<bool> failed{false};
  std::exception_ptr error;  // an exception must not leave a thread: it would end the program
#pragma omp parallel for schedule(dynamic, 1) num_threads(n)
  for (Index c = 0; c < chunks; ++c) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      body(context, c, omp_get_thread_num());
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace fu
