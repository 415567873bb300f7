// Calls of the system that fail, that a signal interrupts, that do a part of the work; and an end by force at each of
// them.
#include <algorithm>
#include <csignal>

#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

/// What is done to a call, by what it can answer: its name, and "i" (interruptible) and "s" (can be short).
std::vector<std::string> actions_for(const std::string& call) {
  std::vector<std::string> actions = {"EIO", "ENOSPC", "EBADF", "kill"};
  if (call.find(" i") != std::string::npos) actions.push_back("EINTR");
  if (call.find(" s") != std::string::npos) actions.push_back("short");
  return actions;
}

std::string name_of(const std::string& call) { return call.substr(0, call.find(' ')); }

/// Whether a failure of this call can keep a file from being removed.
bool removes(const std::string& name) {
  for (const char* known : {"unlink", "unlinkat", "remove", "rmdir", "opendir", "fdopendir", "readdir"})
    if (name == known) return true;
  return false;
}

/// What is wrong after this was done to that call of the job.
std::string fault_after(const Workplace& place, const Job& job, const std::string& fault, const std::string& action,
                        const std::string& call) {
  place.clear();
  const Ended ended = run(place.faulty(job, fault));
  if (action == "kill") {
    if (ended.signal != SIGKILL) return "was not killed";
    const std::string left = place.fault_in(job, ended, Expect::killed);
    return left.empty() ? place.fault_in_next_run(job) : left;
  }
  if (action == "EINTR" || action == "short") return place.fault_in(job, ended, Expect::success);
  const std::string wrong = place.fault_in(job, ended, Expect::refusal);
  // What could not be removed, or not be found for that, stays until the next run.
  return removes(name_of(call)) && wrong.rfind("left ", 0) == 0 ? place.fault_in_next_run(job) : wrong;
}

}  // namespace

void torture_calls(Workplace& place, Tally& tally) {
  const bool quick = place.options().quick;
  std::vector<std::string> names = {"pipe", "output", "fit", "probe"};
  if (!quick) names.insert(names.end(), {"upsample", "jpeg", "query", "show", "segment", "features", "train"});
  for (const std::string& name : names) {
    const Job& job = place.job(name);
    const std::vector<std::string> calls = place.calls(job, "files");
    // Trainings write the same files again and again, and take seconds.
    const bool is_long = name == "train" || name == "probe";
    std::size_t turn = 0;
    for (const long n : places(static_cast<long>(calls.size()), quick ? 12 : 100, quick || is_long)) {
      const std::string& call = calls[static_cast<std::size_t>(n - 1)];
      std::vector<std::string> actions = actions_for(call);
      if (quick) actions = {actions[turn++ % actions.size()]};
      for (const std::string& action : actions) {
        const std::string fault = "files:" + std::to_string(n) + ":" + action + ":-1";
        tally.judge(name, fault + " (" + name_of(call) + ")", fault_after(place, job, fault, action, call));
      }
    }
  }
  // Threads that cannot be made: fewer do the same work.
  const Job& job = place.job("threads");
  const auto threads = static_cast<long>(place.calls(job, "threads").size());
  if (threads == 0) tally.failed("threads", "counting", "no thread is made");
  for (long n = 1; n <= threads; ++n)
    for (const char* action : {"EAGAIN", "EAGAIN+"}) {
      const std::string fault = "threads:" + std::to_string(n) + ":" + action + ":-1";
      place.clear();
      tally.judge("threads", fault, place.fault_in(job, run(place.faulty(job, fault)), Expect::success));
    }
}

}  // namespace fu::faults
