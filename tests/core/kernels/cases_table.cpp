#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

void kernel_cases_fma_peak(KernelCases& cases) {
  for (Index rounds : {0, 1, 100, 100000}) {
    const auto run = [=](const Kernels& k) {
      return Tensor::full({1}, k.fma_peak(rounds) / static_cast<real>(k.lanes));
    };
    // Near the limit 1 a round changes the sum by less than its rounding error, with and without fused multiply-add.
    cases.add(label({{"rounds", rounds}}), run, 1e-3);
  }
}

}  // namespace fu::test
