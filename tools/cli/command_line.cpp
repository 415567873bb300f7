#include "tools/cli/command_line.h"

#include <CLI/CLI.hpp>

#include "featup/version.h"

namespace fu {

// Every command's file defines one of these.
#define FU_COMMAND(file, name, description) void add_##file(Command& command, Program& program);
#define FU_COMMAND_GROUP(name, description)
#include "tools/cli/commands.def"
#undef FU_COMMAND
#undef FU_COMMAND_GROUP

namespace {

/// The new command of that name; of two words, the first is its group.
CLI::App& new_command(CLI::App& app, const std::string& name, const std::string& description) {
  const std::size_t blank = name.find(' ');
  if (blank == std::string::npos) return *app.add_subcommand(name, description);
  return *app.get_subcommand(name.substr(0, blank))->add_subcommand(name.substr(blank + 1), description);
}

}  // namespace

void add_command_line(CLI::App& app, Program& program) {
  app.description("High-resolution features from vision models, on an ordinary CPU.");
  app.require_subcommand(1);
  app.set_version_flag("--version", "featup " FEATUP_VERSION);
  program.app = &app;
  program.version = FEATUP_VERSION;
#define FU_COMMAND(file, name, description)               \
  {                                                       \
    Command command(new_command(app, name, description)); \
    add_##file(command, program);                         \
  }
#define FU_COMMAND_GROUP(name, description) new_command(app, name, description).require_subcommand(1);
#include "tools/cli/commands.def"
#undef FU_COMMAND
#undef FU_COMMAND_GROUP
}

}  // namespace fu
