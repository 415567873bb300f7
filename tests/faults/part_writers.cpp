// Two and eight processes that write the same names into one folder at once.
#include <csignal>
#include <memory>
#include <random>

#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

std::vector<Ended> run_together(const Command& command, std::size_t count, double kill_first_after) {
  std::vector<std::unique_ptr<Process>> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<Process>(command));
  if (kill_first_after > 0) {
    sleep_for(kill_first_after);
    all.front()->signal(SIGKILL);
  }
  std::vector<Ended> ended;
  for (const auto& process : all) ended.push_back(process->wait());
  return ended;
}

}  // namespace

void torture_writers(Workplace& place, Tally& tally) {
  const bool quick = place.options().quick;
  const int rounds = quick ? 1 : 10;
  std::mt19937 random(place.options().seed);
  for (const std::string name : {"upsample", "fit", "segment", "features", "train", "probe"}) {
    const Job& job = place.job(name);
    // A training that is there already, and a probe that another process trains, are refused.
    const bool refuses = name == "train" || name == "probe";
    for (const std::size_t count : {2, 8})
      for (int round = 0; round < rounds; ++round) {
        place.clear();
        // Of eight, every other time one is killed meanwhile.
        const bool kills = !refuses && count == 8 && (quick || round % 2 == 1);
        const double after = kills ? std::uniform_real_distribution<>(0.001, 4 * job.seconds)(random) : 0;
        const std::vector<Ended> ended = run_together(place.command(job), count, after);
        const std::string how = std::to_string(count) + " writers";
        bool any = false;
        for (const Ended& one : ended) {
          any = any || one.code == 0;
          const bool was_killed = kills && &one == &ended.front();
          const Expect expect = kills ? Expect::killed : refuses ? Expect::refusal : Expect::success;
          std::string fault = place.fault_in(job, one, expect);
          if (fault.empty() && !was_killed && one.signal != 0) fault = "ended by signal " + std::to_string(one.signal);
          if (fault.empty() && !was_killed && !refuses && one.code != 0) fault = "failed: " + one.err;
          tally.judge(name, how, fault);
        }
        if (!any && !kills) tally.failed(name, how, "none of them succeeded");
        const std::string next = any && refuses ? "" : place.fault_in_next_run(job);
        if (!next.empty()) tally.failed(name, how, next);
      }
  }
}

}  // namespace fu::faults
