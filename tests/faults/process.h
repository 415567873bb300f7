// Programs that the tester starts, watches and ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace fu::faults {

/// The number under which a program that is started finds Command::channel.
constexpr int kChannel = 200;

struct Command {
  std::vector<std::string> arguments;    // the program's path first
  std::string folder;                    // where it runs
  std::vector<std::string> environment;  // "NAME=VALUE", beside the tester's own
  std::string input;                     // comes through a pipe, if there is any; at most 64 KB
  int channel = -1;                      // a descriptor of the tester that the program gets as kChannel
  std::function<void()> prepare;         // called in the new process, before the program begins
};

/// How a program ended, and what it printed.
struct Ended {
  int code = -1, signal = 0;  // signal 0: it ended by itself
  bool hung = false;          // and was killed for it
  std::string out, err;
};

class Process {
 public:
  /// throws std::runtime_error if the system does not let it begin.
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// Whether it has ended.
  bool ended();
  /// Waits for its end; kills it when it takes longer than that.
  Ended wait(double seconds = 60);
  /// What it has printed since the last call.
  Ended printed() const;

 private:
  int pid_ = -1, out_ = -1, err_ = -1, status_ = 0;
  bool ended_ = false, hung_ = false;
};

Ended run(const Command& command, double seconds = 60);

/// What waitpid() tells.
void set_status(Ended& ended, int status);
void sleep_for(double seconds);

}  // namespace fu::faults
