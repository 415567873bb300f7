#include "tools/cli/ranks.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/error.h"
#include "core/system.h"

#ifdef FU_HAVE_MPI
#include <mpi.h>
#endif

namespace fu {

namespace {

/// How many processes a launcher says that it started; 1 if none says anything. Of Open MPI, MPICH and its kin, Slurm.
int started_together() {
  int most = 1;
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* const size = std::getenv(variable);
    if (size) most = std::max(most, std::atoi(size));
  }
  return most;
}

}  // namespace

bool Ranks::speaks() const {
  if (first()) return true;
  if (neighbours_.empty() || neighbours_.front().rank != 0) return false;
  for (const Neighbour& n : neighbours_) {
    if (n.rank == rank_) return true;
    if (os::process_lives(n.process)) return false;
  }
  return false;
}

#ifdef FU_HAVE_MPI

namespace {

bool g_all_know = false;  // that the training has failed; true where there is nobody else

/// At the end of a process that did not leave the others in order. They wait for one whose error they know of, so that
/// mpirun does not end it before the error is printed. Those that do not know would wait for ever, and are ended.
void leave_others() {
  int done = 1;
  if (MPI_Finalized(&done) != MPI_SUCCESS || done) return;
  if (g_all_know)
    MPI_Finalize();
  else
    MPI_Abort(MPI_COMM_WORLD, 1);
}

using Clock = std::chrono::steady_clock;

/// Waits: busily at first, for what others are already at; then without keeping a core, which may be the one that
/// another process of the training computes on.
void wait(MPI_Request& request, std::chrono::milliseconds busily, const std::function<void()>& while_waiting) {
  const auto end = Clock::now() + busily;
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    if (Clock::now() < end) {
      std::this_thread::yield();
      continue;
    }
    if (while_waiting) while_waiting();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

Ranks::Ranks() {
  int begun = 0, rank = 0, count = 1, threads = 0;
  MPI_Initialized(&begun);
  if (!begun) {
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads);  // those of parallel loops do not call it
    std::atexit(leave_others);
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  rank_ = rank, count_ = count;
  g_all_know = count == 1;
  require<UsageError>(count > 1 || started_together() == 1, started_together(),
                      " processes were started together, but MPI joins none of them to this one. Start them with the "
                      "mpirun of the MPI that the program was built with, or with srun --mpi=pmix.");

  MPI_Comm machine = MPI_COMM_NULL;
  int here = 0;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
  MPI_Comm_size(machine, &here);
  neighbours_.resize(usize(here));
  const Neighbour self = {rank, os::process_number()};
  MPI_Allgather(&self, 2, MPI_INT, neighbours_.data(), 2, MPI_INT, machine);
  MPI_Comm_free(&machine);
}

Ranks::~Ranks() {
  // An exception is printed first.
  if (std::uncaught_exceptions() == 0) MPI_Finalize();
}

void Ranks::sum(std::vector<double>& values, const std::function<void()>& while_waiting) const {
  if (count_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD,
                 &request);
  wait(request, std::chrono::milliseconds(50), while_waiting);
}

bool Ranks::same(std::uint64_t value) const {
  std::uint64_t ends[2] = {value, ~value};  // the largest, and the complement of the smallest
  MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  return ends[0] == ~ends[1];
}

void Ranks::together(const std::function<void()>& work, const std::function<void()>& while_waiting) const {
  if (count_ == 1) return work();
  std::exception_ptr error;
  try {
    work();
  } catch (...) {
    error = std::current_exception();
  }
  const auto nobody = static_cast<int>(count_), mine = error ? static_cast<int>(rank_) : nobody;
  int failed = nobody;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(&mine, &failed, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request);
  wait(request, std::chrono::milliseconds(0), while_waiting);
  if (failed == nobody) return;
  g_all_know = true;
  if (failed == mine) std::rethrow_exception(error);
  throw OtherFailed();
}

#else

Ranks::Ranks() {
  require<UsageError>(started_together() == 1, started_together(),
                      " processes were started together, but this program was built without MPI. Build it with "
                      "-DFU_MPI=ON (Debian: libopenmpi-dev).");
}
Ranks::~Ranks() = default;
void Ranks::sum(std::vector<double>&, const std::function<void()>&) const {}
bool Ranks::same(std::uint64_t) const { return true; }
void Ranks::together(const std::function<void()>& work, const std::function<void()>&) const { work(); }

#endif

}  // namespace fu
