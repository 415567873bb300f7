// The table of definitions, and the definition of the benchmark's measure of peak speed.
#include "core/kernels/reference/reference.h"

namespace fu {

real fma_peak_ref(Index rounds) {
  real total = 0;
  for (int i = 0; i < 10; ++i) {
    volatile real acc = static_cast<real>(i);  // so that every round is computed
    for (Index r = 0; r < rounds; ++r) acc = acc * static_cast<real>(0.9999) + static_cast<real>(1e-4);
    total += acc;
  }
  return total;
}

const Kernels& kernels_reference() {
  static const Kernels table = {
      "reference",
      1,
      false,
#define FU_KERNEL(result, name, arguments) name##_ref,
#include "core/kernels/kernels.def"
  };
  return table;
}

}  // namespace fu
