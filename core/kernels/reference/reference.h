// Declares the naive definition of every kernel, NAME_ref.
#pragma once

#include "core/kernels/kernel_table.h"

namespace fu {
#define FU_KERNEL(result, name, arguments) result name##_ref arguments;
#include "core/kernels/kernels.def"
#undef FU_KERNEL
}  // namespace fu
