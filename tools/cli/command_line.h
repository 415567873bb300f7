// The whole command line of the program, made of commands.def.
#pragma once

#include "tools/cli/program.h"

namespace fu {

/// Adds every command and --version to `app`, which must be new. Once it has read the arguments, program.work is what
/// the command does. Sets program.app and program.version.
void add_command_line(CLI::App& app, Program& program);

}  // namespace fu
