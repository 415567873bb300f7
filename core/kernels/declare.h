// Declares every kernel inside the namespace of the instruction set being compiled.
#pragma once

#include "core/kernels/jbu.h"
#include "core/kernels/simd.h"
#include "core/kernels/types.h"

namespace fu::FU_ISA {
#define FU_KERNEL(result, name, arguments) result name arguments;
#include "core/kernels/kernels.def"
}  // namespace fu::FU_ISA
