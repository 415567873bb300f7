#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

void kernel_cases_sum_axis(KernelCases& cases) {
  const auto add = [&](Index outer, Index n, Index inner) {
    const Tensor x = cases.random.uniform({outer, n, inner}, -1, 2);
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(outer * inner);
      k.sum_axis(x.data(), y.data(), outer, n, inner);
      return y;
    };
    cases.add(label({{"outer", outer}, {"n", n}, {"inner", inner}}), run);
  };
  for (Index n : kLengths)
    for (Index inner : {Index{1}, Index{5}, Index{33}}) add(3, n, inner);
  for (Index inner : kLengths) add(2, 3, inner);
  // One long sum, long sums, few columns of many rows, and columns beyond one task's.
  add(1, 70001, 1), add(2, 9001, 1), add(1, 5003, 3), add(2, 600, 300);
}

void kernel_cases_min_max(KernelCases& cases) {
  for (Index inner : kLengths)
    for (Index n : {Index{1}, Index{2}, Index{20}}) {
      Tensor x = cases.random.normal({n, inner});
      if (inner > 3) x.data()[(n - 1) * inner + 2] = kNan;
      const auto run = [=](const Kernels& k) {
        Tensor lo = outputs(inner), hi = outputs(inner);
        k.min_max(x.data(), lo.data(), hi.data(), n, inner);
        return joined({lo, hi});
      };
      cases.add(label({{"n", n}, {"inner", inner}}), run, 0);
    }
}

namespace {

/// x (rows, c), whose third row is zero, and v (c).
struct NormInput {
  Index rows, c;
  Tensor x, v, dy;
  NormInput(Random& random, Index rows_, Index c_)
      : rows(rows_), c(c_), x(random.normal({rows, c})), v(random.normal({c})), dy(random.normal({rows, 3})) {
    for (Index i = 0; rows > 2 && i < c; ++i) x.data()[2 * c + i] = 0;
  }
};

}  // namespace

void kernel_cases_norm_dot_energy(KernelCases& cases) {
  for (Index c : {0, 1, 3, 4, 7, 8, 9, 13, 15, 16, 17, 128})
    for (Index rows : {0, 1, 300}) {
      const NormInput in(cases.random, rows, c);
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(3 * rows);
        k.norm_dot_energy(in.x.data(), in.v.data(), y.data(), rows, c);
        return y;
      };
      cases.add(label({{"rows", rows}, {"c", c}}), run, 1e-5);
    }
}

void kernel_cases_norm_dot_energy_backward(KernelCases& cases) {
  for (Index c : {0, 1, 3, 4, 7, 8, 9, 13, 15, 16, 17, 128})
    for (Index rows : {0, 1, 300})
      for (Index accumulate : {0, 1}) {
        const NormInput in(cases.random, rows, c);
        Tensor y({3 * rows + 1});
        all_kernels().front()->norm_dot_energy(in.x.data(), in.v.data(), y.data(), rows, c);
        const auto run = [=](const Kernels& k) {
          Tensor dx = accumulate ? outputs_like(in.x) : outputs(rows * c), dx_alone = outputs(rows * c);
          Tensor dv = outputs(c), dv_alone = outputs(c), scratch = scratch_of(k.norm_dot_energy_scratch(rows, c));
          const auto call = [&](real* to_x, bool add, real* to_v) {
            k.norm_dot_energy_backward(in.x.data(), in.v.data(), y.data(), in.dy.data(), to_x, add, to_v, rows, c,
                                       scratch.data());
          };
          call(dx.data(), accumulate != 0, dv.data());
          call(dx_alone.data(), false, nullptr);
          call(nullptr, false, dv_alone.data());
          return joined({dx, dv, dx_alone, dv_alone});
        };
        cases.add(label({{"rows", rows}, {"c", c}, {"accumulate", accumulate}}), run, 1e-5);
      }
}

}  // namespace fu::test
