#include "tests/faults/workplace.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fu::faults {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// Lines of standard error that are neither notes nor progress ("upsample a: 40% write"), which slow runs print.
std::vector<std::string> error_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (line.rfind("featup: note: ", 0) != 0 && line.find("% ") == std::string::npos) lines.push_back(line);
  return lines;
}

/// The file that a training goes on from.
bool is_checkpoint(const Job& job, const std::string& name) { return !name.empty() && name == job.checkpoint; }

/// Of a training of a probe, until it has ended.
bool is_cache(const std::string& name) { return name.find(".cache/") != std::string::npos; }

}  // namespace

Workplace::Workplace(const Options& options) : options_(options) {
  const char* const tmp = std::getenv("TMPDIR");
  std::string pattern = std::string(tmp && *tmp ? tmp : "/tmp") + "/featup-faults-XXXXXX";
  if (!mkdtemp(pattern.data())) throw std::runtime_error(pattern + ": cannot be made");
  folder_ = pattern;
  chmod(folder_.c_str(), 0755);  // other users read the inputs
  fs::create_directories(folder_ + "/in/photos");
  fs::create_directories(folder_ + "/in/labels");
  make_photos();
}

Workplace::~Workplace() {
  std::error_code none;
  fs::remove_all(folder_, none);
}

void Workplace::must(const std::vector<std::string>& arguments) const {
  const Ended ended = run({arguments, folder_, {}, {}, -1, {}});
  if (ended.code != 0) throw std::runtime_error(arguments[0] + " could not make an input: " + ended.err);
}

void Workplace::make_photos() {
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i) + ".png";
    must({program("render_scene"), std::to_string(i), "64", "64", "in/photos/" + name, "in/labels/" + name});
  }
  fs::copy_file(folder_ + "/in/photos/1.png", folder_ + "/in/a.png");
  fs::copy_file(options_.pictures + "/orientation_6.jpg", folder_ + "/in/a.jpg");
}

Job Workplace::described(const std::string& name) {
  const std::string lines[][2] = {
      {"upsample", "upsample in/a.png -o out --size 64"},
      {"threads", "upsample in/a.png -o out --size 64 --threads 3"},
      {"jpeg", "upsample in/a.jpg -o out --size 64 --pca 3"},
      {"pipe", "upsample - -o out --size 64"},
      {"output", "upsample in/a.png -o - --size 64"},
      {"features", "features in/a.png -o out --size 64"},
      {"fit", "fit in/a.png -o out/a.fit.safetensors --size 64 --views 3 --held-out 2"},
      {"network",
       "fit in/a.png -o out/n.safetensors --size 64 --views 3 --held-out 2 --pca 8 --frequencies 4 --no-grid --steps 6 "
       "--no-early-stop"},
      {"query", "query in/a.fit.safetensors -o out/q.npy --size 40x48 --pca 3"},
      {"train",
       "train in/photos -o out/s.safetensors --size 64 --steps 5 --batch 1 --jitters 1 --radius 2 --kernel 8 "
       "--levels 2 --key-dim 8 --crf-samples 50 --checkpoint 0"},
      {"segment", "segment in/a.png --probe in/probe.safetensors -o out"},
      {"probe",
       "probe train --images in/photos --labels in/labels -o out/probe.safetensors --size 64 --pixels 100 --batch 64 "
       "--epochs 2 --validation 0 --checkpoint 0"},
      {"convert", "convert builtin -o out/c.safetensors --dtype int8"},
      {"show", "show in/a.npy -o out/s.png"},
  };
  Job job;
  job.name = name;
  if (name == "c") {
    job.arguments = {program("fault_c_calls"), "out"};
    return job;
  }
  for (const auto& [known, line] : lines)
    if (known == name) job.arguments = words_of(line);
  if (job.arguments.empty()) throw std::runtime_error("no job is called " + name);
  job.arguments.insert(job.arguments.begin(), program("featup"));
  // One thread: the same calls in the same order each time.
  if (name != "threads") job.arguments.insert(job.arguments.end(), {"--threads", "1"});
  job.to_output = name == "output";
  if (name == "train") job.checkpoint = "s.safetensors", job.resume = {"--resume"};
  if (name == "network") job.checkpoint = "n.safetensors", job.resume = {"--resume", "out/n.safetensors"};
  if (name == "pipe") job.input = content_of(folder_ + "/in/a.png");
  return job;
}

const Job& Workplace::job(const std::string& name) {
  const auto known = jobs_.find(name);
  if (known != jobs_.end()) return known->second;
  // Results of some are inputs of others.
  const std::string needs[][3] = {
      {"query", "fit", "a.fit.safetensors"}, {"segment", "probe", "probe.safetensors"}, {"show", "upsample", "a.npy"}};
  for (const auto& [user, maker, file] : needs)
    if (user == name) std::ofstream(folder_ + "/in/" + file, std::ios::binary) << job(maker).expected.at(file);
  Job fresh = described(name);
  clear();
  const auto begin = std::chrono::steady_clock::now();
  const Ended ended = run(command(fresh));
  fresh.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (ended.code != 0) throw std::runtime_error(name + " fails undisturbed: " + ended.err + ended.out);
  fresh.expected = files_in(out());
  if (fresh.to_output || name == "c") fresh.expected_output = ended.out;
  for (const auto& [file, content] : fresh.expected)
    if (!is_whole(file, content)) throw std::runtime_error(name + ": its " + file + " does not look whole");
  return jobs_[name] = fresh;
}

Command Workplace::command(const Job& job) const { return {job.arguments, folder_, {}, job.input, -1, {}}; }

Command Workplace::faulty(const Job& job, const std::string& fault) const {
  Command c = command(job);
  c.environment = {"LD_PRELOAD=" + options_.shim, "FU_FAULT=" + fault};
  return c;
}

std::vector<std::string> Workplace::calls(const Job& job, const std::string& kind) const {
  clear();
  const int list = memfd_create("calls", MFD_CLOEXEC);
  Command c = faulty(job, kind + ":0:EIO:" + std::to_string(kChannel));
  c.channel = list;
  const Ended ended = run(c);
  std::vector<std::string> names;
  std::istringstream in(content_of("/proc/self/fd/" + std::to_string(list)));
  for (std::string line; std::getline(in, line);) names.push_back(line);
  close(list);
  if (ended.code != 0) throw std::runtime_error(job.name + " fails while its calls are counted: " + ended.err);
  return names;
}

bool Workplace::shim_works() { return !calls(job("upsample"), "files").empty(); }

void Workplace::clear() const { remove_others(out(), {}), fs::remove(out()); }

std::string Workplace::fault_in_files(const Job& job, bool succeeded, bool parts_allowed) const {
  const Files found = files_in(out());
  for (const auto& [name, content] : found) {
    if (is_part(name)) {
      if (!parts_allowed) return "left " + name;
      continue;
    }
    const auto known = job.expected.find(name);
    if (!succeeded && (is_cache(name) || (is_checkpoint(job, name) && is_whole(name, content)))) continue;
    if (known == job.expected.end()) return "left " + name;
    if (!same_result(name, content, known->second))
      return name + (is_whole(name, content) ? " has other content" : " is half a file") + " of " +
             std::to_string(content.size()) + " bytes";
  }
  for (const auto& [name, content] : job.expected)
    if (succeeded && found.count(name) == 0) return "did not write " + name;
  return "";
}

std::string Workplace::fault_in(const Job& job, const Ended& ended, Expect expect) const {
  if (ended.hung) return "hung";
  if (ended.signal != 0 && expect != Expect::killed) return "ended by signal " + std::to_string(ended.signal);
  const std::vector<std::string> lines = error_lines(ended.err);
  const std::string said = lines.empty() ? "nothing" : "'" + lines.front() + "'";
  if (ended.signal == 0 && ended.code != 0) {
    if (ended.code != 1 || expect == Expect::success)
      return "ended with code " + std::to_string(ended.code) + ", and said " + said;
    const std::string start = job.name == "c" ? "c_calls: " : "featup: error: ";
    if (lines.size() != 1 || lines.front().rfind(start, 0) != 0)
      return "ended with code 1, and said " + std::to_string(lines.size()) + " lines: " + said;
  }
  const bool succeeded = ended.signal == 0 && ended.code == 0;
  if (succeeded && !job.expected_output.empty() && ended.out != job.expected_output)
    return "printed another result of " + std::to_string(ended.out.size()) + " bytes";
  return fault_in_files(job, succeeded, expect == Expect::killed);
}

Command Workplace::next_command(const Job& job) const {
  Command c = command(job);
  if (!job.checkpoint.empty() && fs::exists(out() + "/" + job.checkpoint))
    c.arguments.insert(c.arguments.end(), job.resume.begin(), job.resume.end());
  return c;
}

std::string Workplace::fault_in_next_run(const Job& job) const {
  const std::string fault = fault_in(job, run(next_command(job)), Expect::success);
  return fault.empty() ? "" : "in the next run: " + fault;
}

void Tally::failed(const std::string& job, const std::string& how, const std::string& what) {
  constexpr long kMostPrinted = 30;
  if (++failures_ <= kMostPrinted)
    std::fprintf(stderr, "FAILED %s: %s, %s: %s\n", part_.c_str(), job.c_str(), how.c_str(), what.c_str());
}

void Tally::judge(const std::string& job, const std::string& how, const std::string& fault) {
  count(job);
  if (!fault.empty()) failed(job, how, fault);
}

bool Tally::finish() const {
  std::string counts;
  for (const auto& [what, n] : counts_) counts += (counts.empty() ? "" : ", ") + what + " " + std::to_string(n);
  std::printf("%-8s %7ld runs  %s  (%s)\n", part_.c_str(), runs_,
              failures_ == 0 ? "nothing found" : ("FOUND: " + std::to_string(failures_)).c_str(), counts.c_str());
  std::fflush(stdout);
  return failures_ == 0;
}

std::vector<long> places(long n, long most, bool quick) {
  std::vector<long> chosen;
  const double step = quick ? std::max(1.0, static_cast<double>(n) / static_cast<double>(most)) : 1;
  for (double at = 1; at <= static_cast<double>(n); at += step) chosen.push_back(static_cast<long>(at));
  return chosen;
}

}  // namespace fu::faults
