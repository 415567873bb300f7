// Parallel loops without threads (FU_THREADS=none): for platforms that have none, or a process that may not start any.
#include "core/parallel_loop.h"

namespace fu {

int default_threads() { return 1; }

bool inside_foreign_team() { return false; }

void run_with_team(ParallelLoop& loop) { loop.work(0); }

}  // namespace fu
