// A folder with small inputs, the jobs of the program in it, and what is expected of a job that was disturbed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/faults/files.h"
#include "tests/faults/process.h"

namespace fu::faults {

struct Options {
  std::string programs, shim, pictures;  // folder of the build's programs, path of the shim, folder of small pictures
  bool quick = false;
  int kills = 500;
  unsigned seed = 1;
};

/// One command of the program on small inputs. Its results go to the folder out/, or to standard output.
struct Job {
  std::string name;
  std::vector<std::string> arguments;  // the program's path first
  std::string input;                   // through a pipe
  bool to_output = false;              // the result goes to standard output
  std::string checkpoint;              // a file of out/ that the same command goes on from, with `resume` at its end
  std::vector<std::string> resume;
  Files expected;               // what is in out/ after an undisturbed run
  std::string expected_output;  // if to_output
  double seconds = 0;           // of an undisturbed run
};

/// What a run may have come to.
enum class Expect {
  success,  // exit code 0 and all results
  refusal,  // also exit code 1 with one line, and results that are whole or not there
  killed,   // also any signal, and parts of files
};

class Workplace {
 public:
  explicit Workplace(const Options& options);
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const Options& options() const { return options_; }
  std::string folder() const { return folder_; }
  std::string out() const { return folder_ + "/out"; }
  /// A job by its name, after it ran undisturbed.
  const Job& job(const std::string& name);
  Command command(const Job& job) const;
  /// The command that goes on after an end by force.
  Command next_command(const Job& job) const;
  /// The same with the shim: FU_FAULT=fault.
  Command faulty(const Job& job, const std::string& fault) const;
  /// Names of the calls that the shim counts in an undisturbed run.
  std::vector<std::string> calls(const Job& job, const std::string& kind) const;
  void clear() const;
  /// What is wrong with how a job ended and with what it left in out/; empty: nothing.
  std::string fault_in(const Job& job, const Ended& ended, Expect expect) const;
  /// Runs the job once more, to its end, after it was ended by force; what is wrong then.
  std::string fault_in_next_run(const Job& job) const;
  bool shim_works();

 private:
  std::string program(const std::string& name) const { return options_.programs + "/" + name; }
  Job described(const std::string& name);
  void make_photos();
  void must(const std::vector<std::string>& arguments) const;
  std::string fault_in_files(const Job& job, bool succeeded, bool parts_allowed) const;

  const Options& options_;
  std::string folder_;
  std::map<std::string, Job> jobs_;
};

/// Counts the runs of a part, and prints what went wrong.
class Tally {
 public:
  explicit Tally(std::string part) : part_(std::move(part)) {}
  void count(const std::string& what) { ++runs_, ++counts_[what]; }
  /// `how`: enough to do it again.
  void failed(const std::string& job, const std::string& how, const std::string& what);
  /// Counts a run, and its fault if there is one.
  void judge(const std::string& job, const std::string& how, const std::string& fault);
  /// Prints the part's line. True if nothing went wrong.
  bool finish() const;

 private:
  std::string part_;
  long runs_ = 0, failures_ = 0;
  std::map<std::string, long> counts_;  // runs of each job
};

/// Numbers 1 to n, or with --quick about `most` of them, spread evenly.
std::vector<long> places(long n, long most, bool quick);

void torture_memory(Workplace& place, Tally& tally);
void torture_calls(Workplace& place, Tally& tally);
void torture_kills(Workplace& place, Tally& tally);
void torture_writers(Workplace& place, Tally& tally);
void torture_clock(Workplace& place, Tally& tally);
void torture_limits(Workplace& place, Tally& tally);

}  // namespace fu::faults
