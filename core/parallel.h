// All threads of the library. Parallel work is a loop over chunks. Their number and borders depend on the sizes of the
// problem alone, never on the number of threads, so results have the same bits for any number of threads.
//
// Who runs the chunks is decided when the library is built (CMake option FU_THREADS): threads of its own (pool, the
// default), the team of OpenMP (openmp), or the calling thread alone (none); see parallel_pool, _openmp, _serial.cpp.
#pragma once

#include "core/base.h"

namespace fu {

/// Number of threads that a parallel loop uses at most, the calling thread included. Until set_threads() is called:
/// OMP_NUM_THREADS, or else the number of cores that the process may run on.
int threads();

/// Sets that number: n from 1 to 1024, larger ones count as 1024; 0 or less means the default. Safe from any thread and
/// beside running loops: it takes effect with loops that begin later.
void set_threads(int n);

/// Runs body(context, chunk, worker) once for each chunk in [0, chunks), spread over at most `workers` threads.
///   worker in [0, workers)   tells the threads of this loop apart, so that each may have scratch memory of its own
/// The calling thread works too. Returns when all chunks are done. Runs in order on the calling thread, as worker 0,
/// when called from inside a parallel loop.
/// If body throws, chunks that have not begun are left out, and the first exception goes to the caller.
/// Any number of threads may call it at once. A child process after fork() may call it too; but a child that was forked
/// by `body` itself must not return from it.
/// cost: about 1 microsecond, and some 10 more if the threads have gone to sleep. They do after 30 microseconds.
void parallel_chunks(Index chunks, int workers, void (*body)(void* context, Index chunk, int worker), void* context);

/// The same for a callable f(chunk, worker). Whoever sizes scratch by a number of threads passes that very number here:
/// threads() may change between two calls.
template <class F>
inline void parallel_for(Index chunks, int workers, const F& f) {
  parallel_chunks(
      chunks, workers, [](void* context, Index chunk, int worker) { (*static_cast<const F*>(context))(chunk, worker); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

/// The same for a callable f(chunk), which need not know its worker.
/// @code
/// std::vector<double> sums(8);
/// parallel_for(8, [&](Index chunk) {
///   for (int i = 0; i < 100; ++i) sums[usize(chunk)] += i;
/// });
/// assert(sums[7] == 4950);
/// @endcode
template <class F>
inline void parallel_for(Index chunks, const F& f) {
  parallel_chunks(
      chunks, threads(), [](void* context, Index chunk, int) { (*static_cast<const F*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

/// Splits [0, n) into runs of `grain` and calls f(begin, end) for each.
template <class F>
inline void parallel_ranges(Index n, Index grain, const F& f) {
  if (n <= 0) return;
  parallel_for((n + grain - 1) / grain, [&](Index chunk) {
    const Index begin = chunk * grain;
    const Index end = begin + grain;
    f(begin, end < n ? end : n);
  });
}

}  // namespace fu
