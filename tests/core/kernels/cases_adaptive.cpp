#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct ConvolutionSize {
  Index b, h, w, c, radius;
  Index taps() const { return (2 * radius + 1) * (2 * radius + 1); }
  Index pixels() const { return b * h * w; }
  std::string name() const { return label({{"b", b}, {"h", h}, {"w", w}, {"c", c}, {"radius", radius}}); }
};
std::vector<ConvolutionSize> sizes() {
  // Images hardly larger than the radius, pixels beyond one group (32), channels around vectors and whole chunks.
  std::vector<ConvolutionSize> list = {{0, 5, 6, 3, 1},    {1, 1, 1, 4, 0},    {1, 2, 2, 9, 1},
                                       {2, 4, 4, 17, 3},   {1, 6, 6, 5, 5},    {1, 4, 70, 20, 3},
                                       {1, 40, 5, 100, 1}, {1, 7, 12, 200, 3}, {1, 6, 9, 133, 2}};
  for (Index c : kLengths) list.push_back({2, 6, 9, c, 2});
  return list;
}

}  // namespace

void kernel_cases_adaptive_conv(KernelCases& cases) {
  for (const ConvolutionSize& s : sizes()) {
    const Tensor x = cases.random.normal({s.pixels() * s.c}), kernels = cases.random.normal({s.pixels() * s.taps()});
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(s.pixels() * s.c);
      k.adaptive_conv(x.data(), kernels.data(), y.data(), s.b, s.h, s.w, s.c, s.radius);
      return y;
    };
    cases.add(s.name(), run, 4e-6);
  }
}

void kernel_cases_adaptive_conv_backward_input(KernelCases& cases) {
  for (const ConvolutionSize& s : sizes()) {
    const Tensor dy = cases.random.normal({s.pixels() * s.c}), kernels = cases.random.normal({s.pixels() * s.taps()});
    const auto run = [=](const Kernels& k) {
      Tensor dx = outputs(s.pixels() * s.c);
      k.adaptive_conv_backward_input(kernels.data(), dy.data(), dx.data(), s.b, s.h, s.w, s.c, s.radius);
      return dx;
    };
    cases.add(s.name(), run, 4e-6);
  }
}

void kernel_cases_adaptive_conv_backward_kernels(KernelCases& cases) {
  for (const ConvolutionSize& s : sizes()) {
    const Tensor x = cases.random.normal({s.pixels() * s.c}), dy = cases.random.normal({s.pixels() * s.c});
    const auto run = [=](const Kernels& k) {
      Tensor dk = outputs(s.pixels() * s.taps());
      k.adaptive_conv_backward_kernels(x.data(), dy.data(), dk.data(), s.b, s.h, s.w, s.c, s.radius);
      return dk;
    };
    cases.add(s.name(), run, 4e-6);
  }
}

void kernel_cases_gather_rows(KernelCases& cases) {
  for (Index c : kLengths)
    for (Index taps : {1, 5, 64})
      for (Index n : {0, 1, 9}) {
        const Tensor x = cases.random.normal({20, c}), weight = cases.random.normal({n * taps});
        std::vector<std::int32_t> index;
        for (Index i = 0; i < n * taps; ++i) index.push_back(static_cast<std::int32_t>(cases.random.below(20)));
        const auto run = [=](const Kernels& k) {
          Tensor y = outputs(n * c);
          k.gather_rows(x.data(), index.data(), weight.data(), taps, y.data(), n, c);
          return y;
        };
        cases.add(label({{"c", c}, {"taps", taps}, {"n", n}}), run, 4e-6);
      }
}

}  // namespace fu::test
