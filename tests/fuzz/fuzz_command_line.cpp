// The program's command line: arguments, separated by line breaks. They are read, and nothing is run.
#include <CLI/CLI.hpp>
#include <memory>

#include "tests/fuzz/fuzz.h"
#include "tools/cli/command_line.h"
#include "tools/cli/command_tree.h"
#include "tools/cli/errors.h"

namespace fu::fuzz {

namespace {

/// The commands with all their options. Making them takes a hundred times as long as reading arguments with them, so
/// that inputs share one; not for ever, since an option keeps the value that an earlier input gave it.
struct CommandLine {
  CLI::App app;
  Program program;
  CommandLine() { add_command_line(app, program); }
};

CommandLine& command_line() {
  static std::unique_ptr<CommandLine> line;
  static int uses = 0;
  if (uses++ % 256 == 0) line = std::make_unique<CommandLine>();
  return *line;
}

}  // namespace

void fuzz_command_line(const unsigned char* data, std::size_t size) {
  if (size > 4096) return;
  std::vector<std::string> arguments = {"featup"};
  std::string word;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n' || data[i] == 0) {
      arguments.push_back(word);
      word.clear();
    } else {
      word += static_cast<char>(data[i]);
    }
  }
  arguments.push_back(word);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  const int count = static_cast<int>(pointers.size());
  CLI::App& app = command_line().app;
  refuse_or_succeed([&] {
    try {
      app.parse(count, pointers.data());
    } catch (const CLI::ParseError&) {
      suggestion(app, count, pointers.data());
    }
  });
}

}  // namespace fu::fuzz
