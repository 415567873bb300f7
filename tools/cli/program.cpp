#include "tools/cli/program.h"

namespace fu {

void run_when_given(Command& command, Program& program, std::function<int()> work) {
  command.when_given([&program, work = std::move(work)] { program.work = work; });
}

}  // namespace fu
