// Clocks that jump: two hours back, or forth, at any look at them.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/faults/workplace.h"

namespace fu::faults {

namespace {

/// A negative number among a summary's seconds.
std::string negative_in(const std::string& summary) {
  const auto json = nlohmann::json::parse(summary, nullptr, false);
  if (!json.is_object() || !json.contains("seconds")) return "printed no summary";
  for (const auto& [stage, seconds] : json["seconds"].items())
    if (!seconds.is_number() || seconds.get<double>() < 0)
      return "says that '" + stage + "' took " + seconds.dump() + " s";
  return "";
}

/// A time budget ends, and a pipe that nobody writes to is given up, also when the clock goes back while they wait.
void torture_waiting(const Workplace& place, Tally& tally) {
  const struct {
    std::string name, said;
    int code;
  } cases[] = {
      {"fit in/a.png -o out/a.fit.safetensors --size 64 --views 100000 --no-early-stop --threads 1 --time-budget 1",
       "time is up", 0},
      {"upsample in/pipe -o out --threads 1", "is empty", 1}};
  mkfifo((place.folder() + "/in/pipe").c_str(), 0644);
  for (const auto& one : cases)
    for (const long n : {5, 20, 100}) {
      place.clear();
      Job job;
      job.name = one.name;
      job.arguments = {place.options().programs + "/featup"};
      for (std::size_t at = 0, end; at < one.name.size(); at = end + 1) {
        end = std::min(one.name.find(' ', at), one.name.size());
        job.arguments.push_back(one.name.substr(at, end - at));
      }
      const std::string fault = "clock:" + std::to_string(n) + ":jump=-7200:-1";
      const Ended ended = run(place.faulty(job, fault), 20);
      const bool said = (ended.out + ended.err).find(one.said) != std::string::npos;
      tally.judge("waiting", fault + " of " + one.name,
                  ended.hung                       ? "hung"
                  : said && ended.code == one.code ? ""
                                                   : "said: " + ended.out + ended.err);
    }
}

}  // namespace

void torture_clock(Workplace& place, Tally& tally) {
  const bool quick = place.options().quick;
  std::vector<std::string> names = {"upsample", "threads", "fit"};
  if (!quick) names.insert(names.end(), {"train", "probe", "segment", "pipe"});
  for (const std::string& name : names) {
    const Job& job = place.job(name);
    const auto looks = static_cast<long>(place.calls(job, "clock").size());
    for (const long n : places(looks, quick ? 4 : 40, true))
      for (const char* jump : {"-7200", "7200"}) {
        const std::string fault = "clock:" + std::to_string(n) + ":jump=" + jump + ":-1";
        place.clear();
        Command command = place.faulty(job, fault);
        command.arguments.push_back("--json");
        const Ended ended = run(command);
        std::string wrong = place.fault_in(job, ended, Expect::success);
        if (wrong.empty()) wrong = negative_in(ended.out);
        tally.judge(name, fault, wrong);
      }
  }
  if (!quick) torture_waiting(place, tally);
}

}  // namespace fu::faults
