// The featup program: reads the command line, and runs the command that it names.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/cli/command_line.h"
#include "tools/cli/command_tree.h"
#include "tools/cli/errors.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/program.h"

namespace {

/// The exit code, or 1 if a part of what was printed could not be written. The stream remembers it of an earlier part.
int after_printing(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  fu::print_error("standard output cannot be written.");
  return 1;
}

/// Returns the exit code: that of the work, 1 if what it printed could not be written, 2 for a wrong command line.
int run(int argc, char** argv) {
  CLI::App app;
  fu::Program program;
  program.path = argv[0];
  for (int i = 1; i < argc; ++i) program.arguments += (i > 1 ? " " : "") + std::string(argv[i]);
  fu::add_command_line(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return after_printing(app.exit(done));
  } catch (const CLI::ParseError& error) {
    fu::print_error(error.what() + fu::suggestion(app, argc, argv) + " (see featup --help)");
    return 2;
  }
  return after_printing(program.work());
}

}  // namespace

int main(int argc, char** argv) {
  fu::prepare_process();
  try {
    return run(argc, argv);
  } catch (const fu::OptionError& error) {
    fu::print_failure(error);
    return 2;
  } catch (const std::exception& error) {
    fu::print_failure(error);
  }
  return 1;
}
