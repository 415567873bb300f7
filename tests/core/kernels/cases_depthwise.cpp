#include "core/ops/conv.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct DepthwiseSize {
  Index h, w, c, kernel, pad;
  WindowArgs windows() const { return windows_on({2, h, w, c}, kernel, kernel, 1, pad); }
  std::string name() const { return label({{"h", h}, {"w", w}, {"c", c}, {"kernel", kernel}, {"pad", pad}}); }
};
// Around blocks of 7 and 14 outputs in a row, and vectors of channels.
const DepthwiseSize kDepthwise[] = {
    {9, 14, 5, 7, 3}, {5, 28, 33, 7, 3}, {3, 7, 16, 7, 3}, {8, 20, 17, 7, 3}, {3, 60, 8, 7, 3}, {4, 3, 9, 7, 3},
    {1, 1, 4, 7, 3},  {9, 9, 7, 7, 0},   {7, 8, 3, 7, 6},  {9, 13, 15, 3, 1}, {5, 6, 18, 3, 1}, {6, 9, 2, 3, 2},
    {6, 6, 5, 2, 1},  {4, 5, 16, 1, 0},  {9, 12, 4, 9, 4}, {11, 17, 1, 5, 2}, {4, 4, 0, 3, 1}};

}  // namespace

void kernel_cases_depthwise_conv(KernelCases& cases) {
  for (const DepthwiseSize& s : kDepthwise)
    for (bool with_bias : {true, false}) {
      const Tensor x = cases.random.normal({2, s.h, s.w, s.c}), w = cases.random.normal({s.kernel, s.kernel, s.c}),
                   bias = cases.random.normal({s.c});
      const auto run = [=](const Kernels& k) {
        const WindowArgs windows = s.windows();
        Tensor y = outputs(2 * windows.rows * windows.cols * s.c);
        k.depthwise_conv(x.data(), w.data(), with_bias ? bias.data() : nullptr, y.data(), 2, windows);
        return y;
      };
      cases.add(s.name() + (with_bias ? "" : ", no bias"), run, 4e-6);
    }
}

void kernel_cases_depthwise_conv_backward_weight(KernelCases& cases) {
  for (const DepthwiseSize& s : kDepthwise) {
    const WindowArgs windows = s.windows();
    const Tensor x = cases.random.normal({2, s.h, s.w, s.c}),
                 dy = cases.random.normal({2, windows.rows, windows.cols, s.c});
    const auto run = [=](const Kernels& k) {
      Tensor dw = outputs(s.kernel * s.kernel * s.c);
      k.depthwise_conv_backward_weight(x.data(), dy.data(), dw.data(), 2, windows);
      return dw;
    };
    cases.add(s.name(), run, 4e-6);
  }
}

}  // namespace fu::test
