// The naive definition of every kernel, NAME_ref. They run on one thread and sum in double. FU_ISA=reference runs the
// whole program with them, and the tests compare every other table with them.
#pragma once

#include <cmath>

#include "core/kernels/kernel_table.h"

namespace fu {

#define FU_KERNEL(result, name, arguments) result name##_ref arguments;
#include "core/kernels/kernels.def"

inline double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double quick_gelu(double x) { return x * sigmoid(1.702 * x); }
inline double tanh_gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}
inline double silu(double x) { return x * sigmoid(x); }

}  // namespace fu
