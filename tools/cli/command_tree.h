// The commands and options of the program, read back from the description of its command line: what help, completion,
// manual page and error messages are made from.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fu {

struct NamedCommand {
  std::string name;  // in full: "eval probe"
  const CLI::App* app = nullptr;
};

/// Every command that does something; a group gives way to its commands.
std::vector<NamedCommand> all_commands(const CLI::App& app);
/// Names of the commands of an app or a group.
std::vector<std::string> command_names(const CLI::App& app);
/// The command or group of that name; null if there is none.
const CLI::App* command_named(const CLI::App& app, const std::string& name);
/// "--size", ...
std::vector<std::string> long_options(const CLI::App& app);
/// The words with a blank between them.
std::string joined(const std::vector<std::string>& words);

/// "; did you mean '--size'?" for the first argument that is neither a command nor an option; empty if nothing is
/// near: more than a third of its letters would have to change.
std::string suggestion(const CLI::App& app, int argc, char** argv);

}  // namespace fu
