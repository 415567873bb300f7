// What the library carries inside: a JBU stack and a small backbone, trained by tools/train_builtin.sh and
// tools/distill_builtin.sh. featup/README.md has their provenance and licences.
#pragma once

#include "core/files/weights.h"

namespace fu {

/// Levels alone, for features of any backbone: their kernels depend on the photo only.
Weights builtin_stack();
/// A transformer as open_backbone() reads it.
Weights builtin_backbone();

}  // namespace fu
