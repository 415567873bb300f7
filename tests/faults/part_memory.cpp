// Allocations that fail: each one of a job with all that follow it, and alone. Alone, `new` of the program is tried
// once more and the job goes on to its end, which takes time: so only every 16th is. The C interface has no such second
// try.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "tests/faults/protocol.h"
#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

struct Call {
  long number;
  bool persists;
};

std::string fault_of(const Call& call) {
  return "memory:" + std::to_string(call.number) + ":ENOMEM" + (call.persists ? "+" : "") + ":-1";
}

/// One run of a job, of which the shim makes a copy at each of some allocations: see shim.c.
class Copies {
 public:
  /// alone_each: of how many allocations one is also tried alone.
  Copies(Workplace& place, Tally& tally, const Job& job, std::vector<long> wanted, std::size_t alone_each)
      : place_(place), tally_(tally), job_(job), wanted_(std::move(wanted)), alone_each_(alone_each) {}
  /// Tries the allocations. Returns those at which a copy would share open files.
  std::vector<Call> run();

 private:
  void answer(int channel, const report& r);
  static bool hear(int channel, report& r);

  Workplace& place_;
  Tally& tally_;
  const Job& job_;
  std::vector<long> wanted_;
  std::size_t alone_each_, next_ = 0;
  std::set<std::string> before_;
  std::vector<Call> held_;
};

bool Copies::hear(int channel, report& r) {
  constexpr int kPatience = 120000;  // milliseconds
  pollfd ready{channel, POLLIN, 0};
  return poll(&ready, 1, kPatience) == 1 && read(channel, &r, sizeof r) == static_cast<ssize_t>(sizeof r);
}

/// Go ahead; or the same call again with all that follow it; or the next one.
void Copies::answer(int channel, const report& r) {
  const bool before = r.kind == REPORT_BEFORE;
  order o{r.call, before ? r.persists : 1};
  if (!before && r.persists) {
    const bool alone = ++next_ % alone_each_ == 0;
    o = {next_ < wanted_.size() ? wanted_[next_] : 0, alone ? 0 : 1};
  }
  if (write(channel, &o, sizeof o) != static_cast<ssize_t>(sizeof o)) throw std::runtime_error("the shim is gone");
}

std::vector<Call> Copies::run() {
  int ends[2];
  if (wanted_.empty() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("no socket, or nothing to try");
  place_.clear();
  Command command =
      place_.faulty(job_, "memory:" + std::to_string(wanted_.front()) + ":fork:" + std::to_string(kChannel));
  command.channel = ends[1];
  Process process(command);
  close(ends[1]);
  for (report r{}; hear(ends[0], r) && r.kind != REPORT_END; answer(ends[0], r)) {
    Ended ended = process.printed();
    if (r.kind == REPORT_BEFORE) before_ = names_in(place_.out());
    if (r.kind == REPORT_HELD) held_.push_back({r.call, r.persists != 0});
    if (r.kind != REPORT_TRIED) continue;
    set_status(ended, r.status);
    ended.hung = ended.signal == SIGALRM;
    tally_.judge(job_.name, fault_of({r.call, r.persists != 0}), place_.fault_in(job_, ended, Expect::refusal));
    remove_others(place_.out(), before_);
  }
  close(ends[0]);
  const std::string fault = place_.fault_in(job_, process.wait(), Expect::success);
  if (!fault.empty()) tally_.failed(job_.name, "the run that was copied", fault);
  return held_;
}

}  // namespace

void torture_memory(Workplace& place, Tally& tally) {
  const bool quick = place.options().quick;
  std::vector<std::string> names = {"upsample", "fit", "c"};
  if (!quick) names.insert(names.end(), {"jpeg", "features", "query", "show", "segment", "train"});
  for (const std::string& name : names) {
    const Job& job = place.job(name);
    const auto allocations = static_cast<long>(place.calls(job, "memory").size());
    const std::size_t alone_each = quick || name == "c" ? 1 : 16;
    const std::vector<Call> held = Copies(place, tally, job, places(allocations, 60, quick), alone_each).run();
    for (const long i : places(static_cast<long>(held.size()), 6, quick)) {
      const Call& call = held[static_cast<std::size_t>(i - 1)];
      place.clear();
      const Ended ended = run(place.faulty(job, fault_of(call)));
      tally.judge(name, fault_of(call), place.fault_in(job, ended, Expect::refusal));
    }
  }
}

}  // namespace fu::faults
