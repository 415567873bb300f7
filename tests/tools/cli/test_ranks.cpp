// Processes that share one training by MPI: the weights that they learn, and what becomes of the others when one is
// killed or fails. Needs a program that was built with it (-DFU_MPI=ON) and mpirun.
#include <algorithm>

#include "core/files/weights.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

#ifdef FU_MPI

namespace {

// mpirun wants to be asked twice before it runs for root, and once more before it starts more processes than cores.
const std::string kMpi =
    "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 timeout 300 ";

#define NEEDS_MPIRUN()                                    \
  if (std::system("command -v mpirun >/dev/null") != 0) { \
    MESSAGE("skipped: mpirun is not there");              \
    return;                                               \
  }

const std::string kTrain =
    "train photos --size 64 --batch 4 --jitters 2 --kernel 8 --levels 3 --key-dim 8 --crf-samples 50 ";

/// Every process runs the line, in which $OMPI_COMM_WORLD_RANK is its number.
std::string ranks_line(int count, const std::string& line) {
  return kMpi + "mpirun -np " + std::to_string(count) + " sh -c '" + line + "'";
}
Outcome run_ranks(const TempFolder& folder, int count, const std::string& arguments) {
  return run_shell(folder, ranks_line(count, "exec \"" FU_PROGRAM "\" " + arguments));
}

/// Starts a training of three processes, waits for its first checkpoint, sends a signal to one of them, and waits for
/// the end.
Outcome signal_one(const TempFolder& folder, const std::string& arguments, const std::string& file, int rank,
                   const std::string& number) {
  const std::string pid = "pid." + std::to_string(rank);
  std::ofstream(folder / "signal_one.sh")
      << ranks_line(3, "echo $$ >pid.$OMPI_COMM_WORLD_RANK; exec \"" FU_PROGRAM "\" " + arguments) << " & p=$!\n"
      << "n=0; while [ ! -s " << file << " ] && [ $n -lt 3000 ]; do sleep 0.01; n=$((n+1)); done\n"
      << "sleep 0.2; kill -" << number << " $(cat " << pid << "); wait $p\n";
  return run_shell(folder, "sh signal_one.sh");
}

/// Lines of the program itself; mpirun adds its own.
int own_lines(const std::string& text) {
  int count = 0;
  for (std::size_t at = text.find("featup: "); at != std::string::npos; at = text.find("featup: ", at + 1)) ++count;
  return count;
}

/// The largest difference of two checkpoints' weights, relative to the largest value of each.
double difference(const std::string& one, const std::string& other) {
  const Weights a(one), b(other);
  REQUIRE(a.entries().size() == b.entries().size());
  double worst = 0;
  int compared = 0;
  for (const auto& entry : a.entries()) {
    const std::string& name = entry.first;
    CAPTURE(name);
    if (name.rfind("training.optimizer.", 0) == 0 || name == "training.history") continue;
    worst = std::max(worst, relative_error(a.read(name), b.read(name)));
    ++compared;
  }
  CHECK(compared > 5);
  return worst;
}

}  // namespace

TEST_CASE("ranks: one, two and four processes learn the same weights") {
  NEEDS_MPIRUN();
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  for (const std::string kind : {"jbu", "naf"}) {
    CAPTURE(kind);
    const bool jbu = kind == "jbu";
    const std::string options =
        (jbu ? kTrain : "train photos --size 64 --batch 4 --upscale 4 --kind naf ") + "--steps 6 --quiet -o ";
    REQUIRE(run(folder, options + kind + "0.safetensors").code == 0);  // without mpirun
    for (int count : {1, 2, 4}) {
      CAPTURE(count);
      const std::string file = kind + std::to_string(count) + ".safetensors";
      const Outcome o = run_ranks(folder, count, options + file);
      CAPTURE(o.err);
      REQUIRE(o.code == 0);
      CHECK(o.err.empty());
      const double worst = difference(folder / (kind + "0.safetensors"), folder / file);
      MESSAGE(kind << ", " << count << " processes: largest relative difference " << worst);
      CHECK(worst <= (count == 1 ? 0 : 1e-6));
    }
  }
}

TEST_CASE("ranks: when one is killed all end, one line says what is kept, and the checkpoint goes on") {
  NEEDS_MPIRUN();
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  const std::string whole = kTrain + "--steps 40 --quiet ";
  REQUIRE(run_ranks(folder, 3, whole + "-o whole.safetensors").code == 0);
  for (int rank : {2, 0}) {
    CAPTURE(rank);
    const std::string file = "killed" + std::to_string(rank) + ".safetensors";
    const Outcome o = signal_one(folder, whole + "--checkpoint 0 -o " + file, file, rank, "KILL");
    CAPTURE(o.err);
    CHECK(o.code != 0);
    CHECK(own_lines(o.err) == 1);
    CHECK(contains(o.err, "--resume goes on"));
    const int done = std::stoi(Weights(folder / file).metadata().at("step"));
    CHECK(done >= 1);
    CHECK(done < 40);
    const Outcome resumed = run_ranks(folder, 3, whole + "--resume -o " + file);
    CAPTURE(resumed.err);
    REQUIRE(resumed.code == 0);
    check_same_tensors(folder / "whole.safetensors", folder / file);
  }
}

TEST_CASE("ranks: a signal to one of them is a wish of all") {
  NEEDS_MPIRUN();
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  const Outcome o =
      signal_one(folder, kTrain + "--steps 100000 --checkpoint 0 -o t.safetensors", "t.safetensors", 1, "TERM");
  CAPTURE(o.err);
  CHECK(o.code == 0);
  CHECK(contains(o.out, "interrupted after"));
  CHECK(std::count(o.out.begin(), o.out.end(), '\n') == 2);
  const Outcome late = run_ranks(folder, 2, kTrain + "--steps 100000 --time-budget 0.5 -o late.safetensors");
  CHECK(late.code == 0);
  CHECK(contains(late.out, "time is up after"));
}

TEST_CASE("ranks: an error of all is one line, and so is an error of one") {
  NEEDS_MPIRUN();
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  const auto refused = [&](const Outcome& o, const std::string& part) {
    CAPTURE(o.err);
    CHECK(o.code != 0);
    CHECK(own_lines(o.err) == 1);
    CHECK(contains(o.err, part));
    CHECK(!contains(o.err, "MPI_ABORT"));
  };
  refused(run_ranks(folder, 3, "train nowhere --size 64"), "no such folder");
  refused(run_ranks(folder, 3, "train photos --size 64 --batch 2"), "--batch 2 cannot be shared by 3 processes");
  refused(run_ranks(folder, 3, "train photos --size 64 -o photos/0.safetensors"), "is also an input");
  const std::string mine = "exec \"" FU_PROGRAM "\" train pictures$OMPI_COMM_WORLD_RANK --size 64 --steps 2";
  std::filesystem::create_directory_symlink("photos", folder / "pictures0");
  refused(run_shell(folder, ranks_line(2, mine)), "pictures1: no such folder");
  std::filesystem::create_directory_symlink("photos", folder / "pictures1");
  refused(run_shell(folder, ranks_line(2, mine)), "do not see the same pictures");
  refused(run(folder, "train photos --size 64", "SLURM_STEP_NUM_TASKS=2"), "MPI joins none of them to this one");
}

#else

TEST_CASE("ranks: a program without MPI does not train beside others") {
  MESSAGE("skipped: several processes need a build with -DFU_MPI=ON");
  const TempFolder folder;
  write_scenes(folder, 2, 64, 64);
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE=2", "PMI_SIZE=2", "SLURM_STEP_NUM_TASKS=2"}) {
    const Outcome o = run(folder, "train photos --size 64 --steps 1", variable);
    CHECK(o.code == 1);
    CHECK(contains(o.err, "2 processes were started together, but this program was built without MPI"));
  }
  CHECK(run(folder, "train photos --size 64 --steps 1 --quiet", "OMPI_COMM_WORLD_SIZE=1").code == 0);
}

#endif
