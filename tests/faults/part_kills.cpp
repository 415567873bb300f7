// Ends by force at random moments, and signals that ask for the end.
#include <csignal>
#include <cstring>
#include <random>

#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

const std::vector<std::string> kJobs = {"upsample", "fit",   "train",   "segment",
                                        "features", "probe", "network", "convert"};

Ended signalled(const Command& command, double after, int number) {
  Process process(command);
  sleep_for(after);
  if (!process.ended()) process.signal(number);
  return process.wait();
}

/// After a signal that the program handles: what is there is whole, and no part of a file is. A fit and a training may
/// have kept what they had.
std::string fault_after_signal(const Workplace& place, const Ended& ended, int number) {
  if (ended.hung) return "hung";
  if (ended.signal != 0 && ended.signal != number) return "ended by signal " + std::to_string(ended.signal);
  // Whatever has nothing to keep yet says so.
  const bool says_so = ended.code == 1 && (ended.err.find("interrupted") != std::string::npos ||
                                           ended.err.find("was stopped") != std::string::npos);
  if (ended.signal == 0 && ended.code != 0 && !says_so)
    return "ended with code " + std::to_string(ended.code) + ": " + ended.err;
  for (const auto& [name, content] : files_in(place.out())) {
    if (is_part(name)) return "left " + name;
    if (name.find(".cache/") == std::string::npos && !is_whole(name, content)) return name + " is half a file";
  }
  return "";
}

}  // namespace

void torture_kills(Workplace& place, Tally& tally) {
  const int kills = place.options().quick ? 18 : place.options().kills;
  std::mt19937 random(place.options().seed);
  const auto moment_of = [&](const Job& job) { return std::uniform_real_distribution<>(0, job.seconds)(random); };
  for (int killed = 0, turn = 0; killed < kills; ++turn) {
    const Job& job = place.job(kJobs[static_cast<std::size_t>(killed) % kJobs.size()]);
    place.clear();
    // Every other time the run after it is killed as well.
    const int runs = 1 + turn % 2;
    std::string fault;
    for (int i = 0; fault.empty() && i < runs; ++i) {
      const Ended ended = signalled(place.next_command(job), moment_of(job), SIGKILL);
      fault = place.fault_in(job, ended, Expect::killed);
      if (ended.signal != SIGKILL) continue;  // it was done before
      ++killed;
      tally.count(job.name);
    }
    if (fault.empty()) fault = place.fault_in_next_run(job);
    if (!fault.empty()) tally.failed(job.name, "kill " + std::to_string(turn), fault);
  }
  for (const int number : {SIGTERM, SIGHUP, SIGXCPU})
    for (int i = 0; i < kills / 10 + 1; ++i) {
      const Job& job = place.job(kJobs[static_cast<std::size_t>(i) % kJobs.size()]);
      place.clear();
      const Ended ended = signalled(place.command(job), moment_of(job), number);
      std::string fault = fault_after_signal(place, ended, number);
      if (fault.empty()) fault = place.fault_in_next_run(job);
      tally.judge(strsignal(number), job.name, fault);
    }
}

}  // namespace fu::faults
