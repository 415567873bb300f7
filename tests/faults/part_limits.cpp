// Limits of the system: descriptors, stack, address space, sizes of files, folders that cannot be written, full disks.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

using Kind = decltype(RLIMIT_AS);

class Limits {
 public:
  Limits(Workplace& place, Tally& tally) : place_(place), tally_(tally), quick_(place.options().quick) {}

  void try_all();

 private:
  Ended limited(const Job& job, Kind kind, rlim_t limit, const std::string& threads = "1") const;
  void judge(const Job& job, const std::string& how, const Ended& ended, Expect expect) {
    tally_.judge(job.name, how, place_.fault_in(job, ended, expect));
  }
  void descriptors(const Job& job);
  void stack(const Job& job);
  void memory(const Job& job);
  void sizes(const Job& job);
  void unwritable(const Job& job);
  void small_disk(const Job& job);
  void full_output();

  Workplace& place_;
  Tally& tally_;
  bool quick_;
};

Ended Limits::limited(const Job& job, Kind kind, rlim_t limit, const std::string& threads) const {
  place_.clear();
  Command command = place_.command(job);
  if (job.arguments.back() == "1") command.arguments.back() = threads;
  command.prepare = [kind, limit] {
    const rlimit both{limit, limit};
    if (setrlimit(kind, &both) != 0) _exit(127);
  };
  return run(command);
}

/// From one beside the standard ones; 16 suffice.
void Limits::descriptors(const Job& job) {
  for (rlim_t n = 4; n <= 16; n += quick_ ? 3 : 1)
    judge(job, std::to_string(n) + " descriptors", limited(job, RLIMIT_NOFILE, n),
          n == 16 ? Expect::success : Expect::refusal);
}

void Limits::stack(const Job& job) {
  constexpr rlim_t kSmall = 256 << 10;
  for (const char* threads : {"1", "2", "8"})
    judge(job, std::string("a stack of 256 KB, threads: ") + threads, limited(job, RLIMIT_STACK, kSmall, threads),
          Expect::success);
}

/// From where the program can begin at all up to what the job needs.
void Limits::memory(const Job& job) {
  constexpr rlim_t kMb = 1 << 20, kFirst = 8 * kMb, kMost = 4096 * kMb;
  Job version;
  version.name = "version";
  version.arguments = {job.arguments.front(), "--version"};
  rlim_t least = kFirst;
  while (least < kMost && limited(version, RLIMIT_AS, least).code != 0) least += kMb;
  rlim_t enough = least;
  while (enough < kMost && limited(job, RLIMIT_AS, enough, "4").code != 0) enough += enough / 8;
  const rlim_t step = std::max<rlim_t>(kMb / 16, (enough - least) / (quick_ ? 6 : 60));
  for (const char* threads : {"1", "4"})
    for (rlim_t limit = least + kMb / 4; limit < enough; limit += step)
      judge(job, std::to_string(limit >> 10) + " KB of address space, threads: " + threads,
            limited(job, RLIMIT_AS, limit, threads), Expect::refusal);
}

/// Files that would become too large.
void Limits::sizes(const Job& job) {
  rlim_t largest = 0;
  for (const auto& [name, content] : job.expected) largest = std::max<rlim_t>(largest, content.size());
  for (rlim_t limit = 4096; limit < largest; limit *= quick_ ? 8 : 2)
    judge(job, "files of " + std::to_string(limit) + " bytes", limited(job, RLIMIT_FSIZE, limit), Expect::refusal);
}

/// A folder of another user, which for root is anybody's but root's.
void Limits::unwritable(const Job& job) {
  constexpr unsigned kNobody = 65534;
  place_.clear();
  std::filesystem::create_directory(place_.out());
  chmod(place_.out().c_str(), 0555);
  Command command = place_.command(job);
  if (geteuid() == 0)
    command.prepare = [] {
      if (setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(127);
    };
  const Ended ended = run(command);
  chmod(place_.out().c_str(), 0755);
  if (ended.code == 127) return;  // that user cannot reach the program
  judge(job, "a folder that cannot be written", ended, Expect::refusal);
  if (ended.code == 0) tally_.failed(job.name, "a folder that cannot be written", "succeeded");
}

/// A disk of some pages in the place of out/; only root can make one.
void Limits::small_disk(const Job& job) {
  for (long pages = 1; pages <= 64; pages *= quick_ ? 4 : 2) {
    place_.clear();
    std::filesystem::create_directory(place_.out());
    const std::string size = "size=" + std::to_string(pages * sysconf(_SC_PAGESIZE));
    if (mount("tmpfs", place_.out().c_str(), "tmpfs", 0, size.c_str()) != 0) return;
    const Ended ended = run(place_.command(job));
    judge(job, "a disk of " + std::to_string(pages) + " pages", ended, Expect::refusal);
    umount(place_.out().c_str());
  }
}

/// What commands print, to a device that is full.
void Limits::full_output() {
  for (const char* line :
       {"--help", "--version", "help upsample", "completion bash", "man", "upsample in/a.png -o out --size 64",
        "upsample in/a.png -o out --size 64 --json", "upsample in/a.png -o - --size 64", "info in/a.npy"}) {
    place_.clear();
    Job job;
    job.name = "output";
    job.arguments = {"/bin/sh", "-c", "'" + place_.options().programs + "/featup' " + line + " >/dev/full"};
    const Ended ended = run(place_.command(job));
    const bool one_line = ended.err.find("featup: error: ") != std::string::npos;
    tally_.judge("output", std::string("a full device as standard output: ") + line,
                 ended.code == 1 && one_line ? "" : "code " + std::to_string(ended.code) + ": " + ended.err);
  }
}

void Limits::try_all() {
  std::vector<std::string> names = {"upsample", "fit"};
  if (!quick_) names.insert(names.end(), {"jpeg", "features", "query", "show", "segment", "train", "probe"});
  for (const std::string& name : names) {
    const Job& job = place_.job(name);
    descriptors(job);
    stack(job);
    if (!quick_ || name == "upsample") memory(job);
    sizes(job);
    unwritable(job);
    small_disk(job);
  }
  place_.job("show");  // makes in/a.npy
  full_output();
}

}  // namespace

void torture_limits(Workplace& place, Tally& tally) { Limits(place, tally).try_all(); }

}  // namespace fu::faults
