#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct AxisSize {
  Index outer, n, inner;
  std::string name() const { return label({{"outer", outer}, {"n", n}, {"inner", inner}}); }
  Index elements() const { return outer * n * inner; }
};
std::vector<AxisSize> axis_sizes() {
  std::vector<AxisSize> sizes = {{2, 3000, 1}, {1, 40, 300}, {700, 5, 1}};
  for (Index n : kLengths)
    for (Index inner : {1, 5, 33}) sizes.push_back({3, n, inner});
  for (Index inner : kLengths) sizes.push_back({2, 4, inner});
  return sizes;
}

// With a variance near 0 the gradient of a row is the difference of equal numbers; this keeps it away from 0.
constexpr real kEps = static_cast<real>(0.3);
const std::vector<Index> kWidths = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 193, 841};

}  // namespace

void kernel_cases_softmax(KernelCases& cases) {
  for (const AxisSize& s : axis_sizes()) {
    const Tensor x = cases.random.normal({s.elements()});
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(s.elements()), in_place = outputs_like(x);
      k.softmax(x.data(), y.data(), s.outer, s.n, s.inner, real(0.3));
      k.softmax(in_place.data(), in_place.data(), s.outer, s.n, s.inner, real(4));
      return joined({y, in_place});
    };
    cases.add(s.name(), run);
  }
}

void kernel_cases_softmax_backward(KernelCases& cases) {
  for (const AxisSize& s : axis_sizes()) {
    const Tensor x = cases.random.normal({s.elements()}), dy = cases.random.normal({s.elements()});
    Tensor y({s.elements() + 1});
    all_kernels().front()->softmax(x.data(), y.data(), s.outer, s.n, s.inner, 1);
    const auto run = [=](const Kernels& k) {
      Tensor dx = outputs(s.elements()), in_place = outputs_like(dy);
      k.softmax_backward(y.data(), dy.data(), dx.data(), s.outer, s.n, s.inner, real(0.3));
      k.softmax_backward(y.data(), in_place.data(), in_place.data(), s.outer, s.n, s.inner, real(0.3));
      return joined({dx, in_place});
    };
    cases.add(s.name(), run, 1e-5);
  }
}

void kernel_cases_layer_norm(KernelCases& cases) {
  for (Index c : kWidths)
    for (Index rows : {0, 11}) {
      const Tensor x = cases.random.normal({rows, c}), weight = cases.random.normal({c}),
                   bias = cases.random.normal({c});
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(rows * c), in_place = outputs_like(x);
        k.layer_norm(x.data(), weight.data(), bias.data(), y.data(), rows, c, real(1e-5));
        k.layer_norm(in_place.data(), weight.data(), bias.data(), in_place.data(), rows, c, real(1e-5));
        return joined({y, in_place});
      };
      cases.add(label({{"rows", rows}, {"c", c}}), run, c == 2 ? 1e-4 : 1e-5);
    }
}

void kernel_cases_layer_norm_backward(KernelCases& cases) {
  for (Index c : kWidths)
    for (Index rows : {0, 1, 70}) {
      const Tensor x = cases.random.normal({rows, c}), weight = cases.random.normal({c}),
                   dy = cases.random.normal({rows, c});
      const auto run = [=](const Kernels& k) {
        Tensor dx = outputs(rows * c), dw = outputs(c), db = outputs(c), alone = outputs(rows * c);
        Tensor scratch = scratch_of(k.layer_norm_scratch(rows, c));
        k.layer_norm_backward(x.data(), weight.data(), dy.data(), dx.data(), dw.data(), db.data(), rows, c, kEps,
                              scratch.data());
        k.layer_norm_backward(x.data(), weight.data(), dy.data(), alone.data(), nullptr, nullptr, rows, c, kEps,
                              scratch.data());
        return joined({dx, dw, db, alone});
      };
      cases.add(label({{"rows", rows}, {"c", c}}), run, 1e-5);
    }
}

void kernel_cases_normalize_rows(KernelCases& cases) {
  for (Index c : kWidths)
    for (Index rows : {0, 1, 70}) {
      const Tensor x = cases.random.normal({rows, c});
      const auto run = [=](const Kernels& k) {
        Tensor y = outputs(rows * c), in_place = outputs_like(x), scales = outputs(rows);
        if (c > 0) {
          k.normalize_rows(x.data(), y.data(), scales.data(), rows, c, kEps);
          k.normalize_rows(in_place.data(), in_place.data(), nullptr, rows, c, kEps);
        } else {
          k.normalize_rows(x.data(), y.data(), nullptr, rows, c, kEps);
          k.normalize_rows(x.data(), y.data(), nullptr, rows, c, kEps);
        }
        return joined({y, in_place, scales});
      };
      cases.add(label({{"rows", rows}, {"c", c}}), run, 1e-5);
    }
}

void kernel_cases_normalize_rows_backward(KernelCases& cases) {
  for (Index c : kWidths)
    for (Index given : {c, c / 2}) {
      constexpr Index kRows = 70;
      const Tensor x = cases.random.normal({kRows, c}), dy = cases.random.normal({kRows, c}),
                   active = cases.random.normal({kRows, c}), slopes = cases.random.normal({kRows, c});
      Tensor y({kRows * c + 1}), scales({kRows});
      if (c > 0) all_kernels().front()->normalize_rows(x.data(), y.data(), scales.data(), kRows, c, kEps);
      const auto run = [=](const Kernels& k) {
        Tensor dx = outputs(kRows * c), plain = outputs(kRows * c), in_place = outputs_like(dy);
        Tensor sums = outputs_like(Tensor::full({c}, 1));
        const auto call = [&](const real* from, real* to, const real* where, const real* along) {
          k.normalize_rows_backward(y.data(), scales.data(), from, given, to, where, along, sums.data(), kRows, c);
        };
        call(dy.data(), dx.data(), active.data(), nullptr);
        call(dy.data(), plain.data(), nullptr, nullptr);
        call(in_place.data(), in_place.data(), active.data(), nullptr);
        call(dy.data(), nullptr, nullptr, slopes.data());
        return joined({dx, plain, in_place, sums});
      };
      cases.add(label({{"c", c}, {"given", given}}), run, 2e-5);
    }
}

}  // namespace fu::test
