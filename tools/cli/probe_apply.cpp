// featup probe apply: `featup segment` under the name that goes with `featup probe train`.

#include "tools/cli/program.h"

namespace fu {

void add_segment(Command& command, Program& program);

void add_probe_apply(Command& command, Program& program) {
  add_segment(command, program);
  command.footer(
      "The same as featup segment --probe FILE.\n"
      "Example: featup probe apply photo.jpg --backbone deit_tiny_patch16_224.safetensors --probe probe.safetensors");
}

}  // namespace fu
