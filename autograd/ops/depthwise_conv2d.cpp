// Convolution of each channel by itself. The gradient of x is such a convolution too, of dy, with the weights turned by
// half a turn: y[i] reads x[i + u - padding], so x[i] goes to y[i + padding - u].
#include <algorithm>

#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

namespace {

Tensor half_turn(const Tensor& weight) {
  Tensor turned(weight.shape());
  const Index taps = weight.dim(0) * weight.dim(1), c = weight.dim(2);
  for (Index i = 0; i < taps; ++i) std::copy_n(weight.data() + (taps - 1 - i) * c, c, turned.data() + i * c);
  return turned;
}

}  // namespace

Var depthwise_conv2d(const Var& x, const Var& weight, const Var& bias, Index padding) {
  return record("depthwise_conv2d", {x, weight, bias}, depthwise_conv2d(x.value, weight.value, bias.value, padding),
                [x = x.value, w = weight.value, has_bias = bias.size() > 0, padding](const Gradient& g) {
                  const Index kernel = w.dim(0);
                  if (g.wants(0)) g.add(0, depthwise_conv2d(g.dy, half_turn(w), Tensor(), kernel - 1 - padding));
                  if (g.wants(1)) {
                    Tensor dw(w.shape());
                    kernels().depthwise_conv_backward_weight(x.data(), g.dy.data(), dw.data(), x.dim(0),
                                                             windows_on(x.shape(), kernel, kernel, 1, padding));
                    g.add(1, std::move(dw));
                  }
                  if (has_bias && g.wants(2)) g.add(2, sum_to(g.dy, Shape{w.dim(2)}));
                });
}

void gradient_cases_depthwise_conv2d(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Shape x;
    Index kernel, padding;
  };
  for (const Case& c :
       {Case{{2, 9, 16, 5}, 7, 3}, Case{{1, 4, 7, 17}, 7, 3}, Case{{1, 3, 3, 4}, 7, 3}, Case{{1, 5, 6, 3}, 3, 0},
        Case{{2, 8, 9, 8}, 3, 2}, Case{{1, 4, 5, 2}, 2, 1}, Case{{1, 2, 3, 4}, 1, 0}, Case{{0, 5, 5, 3}, 3, 1}})
    cases.add(c.x.str(), {cases.normal(c.x), cases.normal({c.kernel, c.kernel, c.x[3]}), cases.normal({c.x[3]})},
              [c](In x) { return depthwise_conv2d(x[0], x[1], x[2], c.padding); });
  cases.add("no bias", {cases.normal({1, 4, 4, 2}), cases.normal({3, 3, 2})},
            [](In x) { return depthwise_conv2d(x[0], x[1], Tensor(), 1); });
}

}  // namespace fu
