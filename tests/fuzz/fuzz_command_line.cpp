// The program's command line: arguments, separated by line breaks. They are read, and nothing is run.
#include <CLI/CLI.hpp>

#include "tests/fuzz/fuzz.h"
#include "tools/cli/command_line.h"
#include "tools/cli/command_tree.h"
#include "tools/cli/errors.h"

namespace fu::fuzz {

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
  CLI::App app;
  Program program;
  add_command_line(app, program);
  refuse_or_succeed([&] {
    try {
      app.parse(count, pointers.data());
    } catch (const CLI::ParseError&) {
      suggestion(app, count, pointers.data());
    }
  });
}

}  // namespace fu::fuzz
