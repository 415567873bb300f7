#include "core/ops/elementwise.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct RowSize {
  Index rows, c;
  std::string name() const { return label({{"rows", rows}, {"c", c}}); }
};
std::vector<RowSize> row_sizes() {
  std::vector<RowSize> sizes = {{96, 128}, {70, 64}, {31, 80}};
  for (Index c : kLengths) sizes.push_back({5, c}), sizes.push_back({1, c});
  return sizes;
}

}  // namespace

void kernel_cases_column_moments(KernelCases& cases) {
  for (const RowSize& s : row_sizes()) {
    // A mean far from 0: sums of squares would cancel.
    const Tensor x = unary(Unary::affine, cases.random.normal({s.rows, s.c}), 1, 50);
    cases.add(
        s.name(),
        [=](const Kernels& k) {
          Tensor moments = outputs(2 * s.c);
          k.column_moments(x.data(), moments.data(), s.rows, s.c);
          return moments;
        },
        1e-5);
  }
}

void kernel_cases_affine_rows(KernelCases& cases) {
  for (const RowSize& s : row_sizes())
    for (const Activation activation : {Activation::none, Activation::silu}) {
      const Tensor x = cases.random.normal({s.rows, s.c}), scale = cases.random.normal({s.c}),
                   shift = unary(Unary::affine, cases.random.normal({s.c}), 30);
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(s.rows * s.c), in_place = outputs_like(x);
        k.affine_rows(x.data(), scale.data(), shift.data(), activation, y.data(), s.rows, s.c);
        k.affine_rows(in_place.data(), scale.data(), shift.data(), activation, in_place.data(), s.rows, s.c);
        return joined({y, in_place});
      };
      cases.add(s.name() + (activation == Activation::silu ? ", silu" : ""), run);
    }
}

void kernel_cases_affine_rows_sums(KernelCases& cases) {
  for (const RowSize& s : row_sizes()) {
    const Tensor x = cases.random.normal({s.rows, s.c}), dy = cases.random.normal({s.rows, s.c}),
                 scale = cases.random.normal({s.c}), shift = cases.random.normal({s.c});
    cases.add(
        s.name(),
        [=](const Kernels& k) {
          Tensor sums = outputs(2 * s.c);
          k.affine_rows_sums(x.data(), scale.data(), shift.data(), dy.data(), sums.data(), s.rows, s.c);
          return sums;
        },
        1e-5);
  }
}

void kernel_cases_affine_rows_backward(KernelCases& cases) {
  for (const RowSize& s : row_sizes()) {
    const Tensor x = cases.random.normal({s.rows, s.c}), dy = cases.random.normal({s.rows, s.c});
    const Tensor p = cases.random.normal({s.c}), q = cases.random.normal({s.c}), r = cases.random.normal({s.c});
    cases.add(s.name(), [=](const Kernels& k) {
      Tensor dx = outputs(s.rows * s.c);
      k.affine_rows_backward(x.data(), dy.data(), p.data(), q.data(), r.data(), dx.data(), s.rows, s.c);
      return dx;
    });
  }
}

void kernel_cases_rms_norm(KernelCases& cases) {
  for (const RowSize& s : row_sizes()) {
    const Tensor x = cases.random.normal({s.rows, s.c}), weight = cases.random.normal({s.c});
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(s.rows * s.c), in_place = outputs_like(x);
      k.rms_norm(x.data(), weight.data(), y.data(), s.rows, s.c, real(1e-5));
      k.rms_norm(in_place.data(), weight.data(), in_place.data(), s.rows, s.c, real(1e-5));
      return joined({y, in_place});
    };
    cases.add(s.name(), run);
  }
}

void kernel_cases_rms_norm_backward(KernelCases& cases) {
  for (const RowSize& s : row_sizes()) {
    const Tensor x = cases.random.normal({s.rows, s.c}), weight = cases.random.normal({s.c}),
                 dy = cases.random.normal({s.rows, s.c});
    const auto run = [=](const Kernels& k) {
      constexpr real kEps = real(0.3);  // keeps the gradient of a single channel away from 0
      Tensor dx = outputs(s.rows * s.c), dweight = outputs(s.c), alone = outputs(s.rows * s.c);
      Tensor scratch = scratch_of(k.rms_norm_scratch(s.rows, s.c));
      k.rms_norm_backward(x.data(), weight.data(), dy.data(), dx.data(), dweight.data(), s.rows, s.c, kEps,
                          scratch.data());
      k.rms_norm_backward(x.data(), weight.data(), dy.data(), alone.data(), nullptr, s.rows, s.c, kEps, scratch.data());
      return joined({dx, dweight, alone});
    };
    cases.add(s.name(), run, 1e-5);
  }
}

}  // namespace fu::test
