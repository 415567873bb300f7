#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

std::vector<Index> counts() {
  std::vector<Index> list = kLengths;
  list.push_back(40003);  // more than one task
  return list;
}

}  // namespace

void kernel_cases_sgd_step(KernelCases& cases) {
  for (Index n : counts()) {
    const Tensor p = cases.random.normal({n}), g = cases.random.normal({n}), velocity = cases.random.normal({n});
    const auto run = [=](const Kernels& k) {
      Tensor at = outputs_like(p), v = outputs_like(velocity);
      k.sgd_step(at.data(), g.data(), v.data(), n, real(0.1), real(0.9), real(0.01));
      return joined({at, v});
    };
    cases.add(label({{"n", n}}), run);
  }
}

void kernel_cases_adam_step(KernelCases& cases) {
  AdamArgs a;
  a.keep = real(0.999), a.weight_decay = real(0.01), a.beta1 = real(0.9), a.beta2 = real(0.99), a.eps = real(1e-8);
  a.from_mean = real(0.02), a.from_gradient = real(0.001), a.unbias = real(1.3);
  for (Index n : counts()) {
    const Tensor p = cases.random.normal({n}), g = cases.random.normal({n}), mean = cases.random.normal({n}),
                 square = cases.random.uniform({n}, real(0.1), 1);
    const auto run = [=](const Kernels& k) {
      Tensor at = outputs_like(p), m = outputs_like(mean), s = outputs_like(square);
      k.adam_step(at.data(), g.data(), m.data(), s.data(), n, a);
      return joined({at, m, s});
    };
    cases.add(label({{"n", n}}), run);
  }
}

}  // namespace fu::test
