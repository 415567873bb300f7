// What a command of the featup program is made of, and what the program tells it.
//
// A command is one line in commands.def and one file. The file defines
//
//     void add_NAME(Command& command, Program& program);
//
// which adds the command's options and its example to `command`, and says by run_when_given() what is to be done.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tools/cli/command.h"

namespace fu {

struct Program {
  const CLI::App* app = nullptr;  // the whole command line, from which help, completion and manual are made
  std::string path;               // of the program, as it was called
  std::string version;            // "0.1.0"
  std::string arguments;          // all that came after `path`, joined by blanks: results keep it
  std::function<int()> work;      // of the command that was given; returns the exit code
};

/// While the command line is read, the command that it names only puts its work into program.work. So errors of usage
/// (exit code 2) all come before the work (exit code 1).
void run_when_given(Command& command, Program& program, std::function<int()> work);

/// The same for a command whose options are a struct of its own. Options has add(Command&), and `common`, whose
/// settings are made before the work. run() returns the exit code, and throws what concerns all of its work.
template <class Options>
void add_command(Command& command, Program& program, int (*run)(const Options& options, const Program& program)) {
  const auto options = std::make_shared<Options>();
  options->add(command);
  run_when_given(command, program, [options, run, &program] {
    options->common.apply();
    return run(*options, program);
  });
}

}  // namespace fu
