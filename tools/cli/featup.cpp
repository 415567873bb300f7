// The featup program: builds the command line from commands.def, reads it, and runs the command that it names.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "featup/version.h"
#include "tools/cli/command_tree.h"
#include "tools/cli/errors.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/program.h"

namespace fu {

// Every command's file defines one of these.
#define FU_COMMAND(file, name, description) void add_##file(CLI::App& command, Program& program);
#define FU_COMMAND_GROUP(name, description)
#include "tools/cli/commands.def"
#undef FU_COMMAND
#undef FU_COMMAND_GROUP

}  // namespace fu

namespace {

/// The new command of that name; of two words, the first is its group.
CLI::App& new_command(CLI::App& app, const std::string& name, const std::string& description) {
  const std::size_t blank = name.find(' ');
  if (blank == std::string::npos) return *app.add_subcommand(name, description);
  return *app.get_subcommand(name.substr(0, blank))->add_subcommand(name.substr(blank + 1), description);
}

void add_commands(CLI::App& app, fu::Program& program) {
#define FU_COMMAND(file, name, description) fu::add_##file(new_command(app, name, description), program);
#define FU_COMMAND_GROUP(name, description) new_command(app, name, description).require_subcommand(1);
#include "tools/cli/commands.def"
#undef FU_COMMAND
#undef FU_COMMAND_GROUP
}

/// Returns the exit code: that of the work, 1 if what it printed could not be written, 2 for a wrong command line.
int run(int argc, char** argv) {
  CLI::App app{"High-resolution features from vision models, on an ordinary CPU."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "featup " FEATUP_VERSION);
  fu::Program program;
  program.app = &app;
  program.path = argv[0];
  program.version = FEATUP_VERSION;
  for (int i = 1; i < argc; ++i) program.arguments += (i > 1 ? " " : "") + std::string(argv[i]);
  add_commands(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    fu::print_error(error.what() + fu::suggestion(app, argc, argv) + " (see featup --help)");
    return 2;
  }
  const int code = program.work();
  if (std::fflush(stdout) != 0) {
    fu::print_error("standard output cannot be written.");
    return 1;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  fu::prepare_process();
  try {
    return run(argc, argv);
  } catch (const fu::OptionError& error) {
    fu::print_error(error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    fu::print_error("out of memory. Ask for a smaller result.");
  } catch (const std::exception& error) {
    fu::print_error(error.what());
  }
  return 1;
}
