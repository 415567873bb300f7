// featup help: the list of commands, or the options of one.
#include <CLI/CLI.hpp>

#include "tools/cli/command_tree.h"
#include "tools/cli/errors.h"
#include "tools/cli/program.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

int print_help(const std::vector<std::string>& topic, const Program& program) {
  const CLI::App* asked = program.app;
  std::string usage = program.path;
  for (const std::string& name : topic) {
    asked = command_named(*asked, name);
    if (!asked) {
      print_error("there is no command '" + name + "' (see featup help)");
      return 2;
    }
    usage += " " + name;
  }
  // Not asked->help(): of the app itself that gives the help of the command that was given, which is this one.
  say("%s", asked->get_formatter()->make_help(asked, usage, CLI::AppFormatMode::Normal).c_str());
  return 0;
}

}  // namespace

void add_help(Command& command, Program& program) {
  const auto topic = std::make_shared<std::vector<std::string>>();
  command.add_option("command", *topic, "a command");
  command.footer("Example: featup help eval probe");
  run_when_given(command, program, [topic, &program] { return print_help(*topic, program); });
}

}  // namespace fu
