// What the library carries inside: a JBU stack, trained by tools/train_builtin.sh. See featup/README.md for its provenance and licence.
#pragma once

#include "core/files/weights.h"

namespace fu {

/// Levels alone, for features of any backbone: their kernels depend on the photo only.
Weights builtin_stack();

}  // namespace fu
