// The one home of threads. All parallel work in the project is a loop over chunks whose number and borders depend on
// the sizes of the problem alone, never on the number of threads; so results have the same bits for any number of
// threads.
#pragma once

#include "core/base.h"

namespace fu {

/// Number of threads that parallel loops use: at first all cores, or OMP_NUM_THREADS.
int threads();
/// n >= 1, or 0 for all cores.
void set_threads(int n);

/// Runs body(context, chunk, worker) for each chunk in [0, chunks), spread over the threads; worker in [0, threads())
/// tells which thread runs it. Runs in order on the calling thread when called from inside a parallel loop. If body
/// throws, chunks that have not begun are left out, and the first exception goes to the caller.
void parallel_chunks(Index chunks, void (*body)(void* context, Index chunk, int worker), void* context);

/// The same for any callable f(chunk, worker).
template <class F>
inline void parallel_for(Index chunks, const F& f) {
  parallel_chunks(
      chunks, [](void* context, Index chunk, int worker) { (*static_cast<const F*>(context))(chunk, worker); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

/// Splits [0, n) into runs of `grain` and calls f(begin, end) for each.
template <class F>
inline void parallel_ranges(Index n, Index grain, const F& f) {
  if (n <= 0) return;
  parallel_for((n + grain - 1) / grain, [&](Index chunk, int) {
    const Index begin = chunk * grain;
    const Index end = begin + grain;
    f(begin, end < n ? end : n);
  });
}

}  // namespace fu
