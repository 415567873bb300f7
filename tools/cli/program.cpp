#include "tools/cli/program.h"

#include <CLI/CLI.hpp>

namespace fu {

void run_when_given(CLI::App& command, Program& program, std::function<int()> work) {
  command.callback([&program, work = std::move(work)] { program.work = work; });
}

}  // namespace fu
