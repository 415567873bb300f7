// Parallel loops on the team of OpenMP (FU_THREADS=openmp): for a process whose other libraries use OpenMP too, so that
// all share one set of threads. Two things do not work here, both because of GCC's libgomp: a child after fork() hangs
// in its first loop if the parent has run one, and a shared library that holds this code cannot be unloaded.
#include <omp.h>

#include "core/parallel_loop.h"

namespace fu {

int default_threads() { return omp_get_max_threads(); }

bool inside_foreign_team() { return omp_in_parallel() != 0; }

void run_with_team(ParallelLoop& loop) {
#pragma omp parallel num_threads(loop.workers)
  loop.work(omp_get_thread_num());
}

}  // namespace fu
