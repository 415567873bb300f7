// The table of function pointers through which the rest of the program calls kernels. Kernel files include it, so it
// includes no standard library.
#pragma once

#include "core/kernels/jbu.h"
#include "core/kernels/types.h"

namespace fu {

struct Kernels {
  const char* isa;   // name of the target, as "avx2"; "reference": the naive definitions
  Index lanes;       // reals in a vector
  bool rounds_bf16;  // products with weights in bf16 round the other factor to bf16 too
#define FU_KERNEL(result, name, arguments) result(*name) arguments;
#include "core/kernels/kernels.def"
};

}  // namespace fu
