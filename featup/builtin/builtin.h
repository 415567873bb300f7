// The weights that the library carries: a JBU stack and a small backbone, trained by tools/train_builtin.sh and
// tools/distill_builtin.sh. README.md has their origin and licences.
#pragma once

#include "core/files/weights.h"

namespace fu {

/// A stack's levels without mixing of channels. Their kernels depend on the photo alone, so they serve any backbone.
Weights builtin_stack();
/// A vision transformer with the names of DeiT's files.
Weights builtin_backbone();

}  // namespace fu
