// The table through which the rest of the program calls kernels. No standard library: kernel files include this.
#pragma once

#include "core/kernels/jbu.h"
#include "core/kernels/types.h"

namespace fu {

struct Kernels {
  const char* isa;  // "baseline", "avx2", "avx512"; "reference" is the naive definition of every kernel
  Index lanes;      // reals in a vector
#define FU_KERNEL(result, name, arguments) result(*name) arguments;
#include "core/kernels/kernels.def"
#undef FU_KERNEL
};

}  // namespace fu
