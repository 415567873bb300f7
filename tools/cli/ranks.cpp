#include "tools/cli/ranks.h"

#include <cstdlib>
#include <exception>

#include "core/error.h"

#ifdef FU_HAVE_MPI
#include <mpi.h>
#endif

namespace fu {

#ifdef FU_HAVE_MPI

namespace {

/// An error in one process ends all of them, which would else wait for it for ever.
void abort_all() {
  int done = 1;
  if (MPI_Finalized(&done) == MPI_SUCCESS && !done) MPI_Abort(MPI_COMM_WORLD, 1);
}

}  // namespace

Ranks::Ranks() {
  int begun = 0, rank = 0, count = 1;
  MPI_Initialized(&begun);
  if (!begun) {
    MPI_Init(nullptr, nullptr);
    std::atexit(abort_all);
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  rank_ = rank, count_ = count;
}

Ranks::~Ranks() {
  // While an exception leaves, the others may be waiting: then atexit ends them.
  if (std::uncaught_exceptions() == 0) MPI_Finalize();
}

void Ranks::sum(std::vector<real>& values) const {
  const MPI_Datatype type = sizeof(real) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), type, MPI_SUM, MPI_COMM_WORLD);
}

#else

Ranks::Ranks() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* size = std::getenv(variable);
    require<UsageError>(!size || std::atoi(size) <= 1, "mpirun started ", size ? size : "",
                        " processes, but this program was built without MPI. ",
                        "Build it with -DFU_MPI=ON (Debian: libopenmpi-dev).");
  }
}
Ranks::~Ranks() = default;
void Ranks::sum(std::vector<real>&) const {}

#endif

}  // namespace fu
