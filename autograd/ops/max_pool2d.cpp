// The largest element of each window: its gradient goes to that element.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var max_pool2d(const Var& x, Index kernel, Index stride, Index padding) {
  Tensor y = max_pool2d(x.value, kernel, stride, padding);
  return record("max_pool2d", {x}, y, [x = x.value, y, kernel, stride, padding](const Gradient& g) {
    Tensor dx(x.shape());
    kernels().max_pool_backward(x.data(), y.data(), g.dy.data(), dx.data(), x.dim(0),
                                windows_on(x.shape(), kernel, kernel, stride, padding));
    g.add(0, std::move(dx));
  });
}

void gradient_cases_max_pool2d(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Shape x;
    Index kernel, stride, padding;
  };
  for (const Case& c : {Case{{2, 7, 9, 5}, 3, 2, 1}, Case{{1, 6, 4, 17}, 2, 2, 0}, Case{{1, 5, 5, 3}, 3, 1, 1},
                        Case{{1, 4, 3, 2}, 1, 1, 0}, Case{{0, 4, 4, 2}, 2, 2, 0}})
    cases.add(c.x.str(), {cases.normal(c.x)}, [c](In x) { return max_pool2d(x[0], c.kernel, c.stride, c.padding); });
}

}  // namespace fu
