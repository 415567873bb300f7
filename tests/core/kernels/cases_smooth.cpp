#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

using Smooth = void (*Kernels::*)(real*, const LineSweep&, Index, Index, Index);

/// Coefficients whose `past` is 0 at the begin of each line, as LineSweep requires.
void add_cases(KernelCases& cases, Smooth smooth, bool rows) {
  const auto add = [&](Index h, Index w, Index c) {
    const Tensor x = cases.random.normal({h, w, c}), own = cases.random.uniform({h, w}, real(0.3), real(0.6)),
                 next = cases.random.uniform({h, w}, 0, real(0.5));
    Tensor past = cases.random.uniform({h, w}, 0, real(0.4));
    for (Index i = 0; i < h; ++i)
      for (Index j = 0; j < w; ++j)
        if ((rows ? j : i) == 0) past.data()[i * w + j] = 0;
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs_like(x);
      LineSweep line;
      line.own = own.data(), line.past = past.data(), line.next = next.data();
      (k.*smooth)(y.data(), line, h, w, c);
      return y;
    };
    cases.add(label({{"h", h}, {"w", w}, {"c", c}}), run, 4e-6);
  };
  for (Index c : kLengths) add(5, 6, c);
  add(1, 1, 3), add(1, 9, 4), add(9, 1, 4), add(0, 4, 3), add(4, 0, 3);
  add(3, 1200, 70), add(1200, 3, 70), add(600, 2, 133);  // more than one task holds
}

}  // namespace

void kernel_cases_smooth_rows(KernelCases& cases) { add_cases(cases, &Kernels::smooth_rows, true); }
void kernel_cases_smooth_columns(KernelCases& cases) { add_cases(cases, &Kernels::smooth_columns, false); }

}  // namespace fu::test
