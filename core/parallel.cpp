#include "core/parallel.h"

#include <algorithm>
#include <utility>

#include "core/parallel_loop.h"

namespace fu {

namespace {

std::atomic<int> g_threads{0};  // 0: the default

thread_local bool g_inside_loop = false;

}  // namespace

int threads() {
  const ContextState* const context = current_context();
  int n = context ? context->threads.load(std::memory_order_relaxed) : 0;
  if (n == 0) n = g_threads.load(std::memory_order_relaxed);
  return n > 0 ? n : std::clamp(default_threads(), 1, kMaxThreads);
}

void set_threads(int n) {
  ContextState* const context = current_context();
  (context ? context->threads : g_threads).store(std::clamp(n, 0, kMaxThreads), std::memory_order_relaxed);
}

void ParallelLoop::work(int worker) noexcept {
  const bool outer = std::exchange(g_inside_loop, true);
  ContextState* const own = exchange_context(limits);
  while (!failed.load(std::memory_order_relaxed)) {
    const Index chunk = next.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= chunks) break;
    try {
      body(context, chunk, worker);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  exchange_context(own);
  g_inside_loop = outer;
}

void parallel_chunks(Index chunks, int workers, void (*body)(void*, Index, int), void* context) {
  const int n = static_cast<int>(std::min<Index>(workers, chunks));
  if (n <= 1 || g_inside_loop || inside_foreign_team()) {
    for (Index chunk = 0; chunk < chunks; ++chunk) body(context, chunk, 0);
    return;
  }
  ParallelLoop loop{chunks, n, body, context};
  run_with_team(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace fu
