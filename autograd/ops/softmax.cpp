// y = exp(x / T) / sum. dy/dx at another element of the axis is -y y' / T, at the same y (1 - y) / T; so dx = y (dy -
// sum of dy y) / T.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var softmax(const Var& x, int axis, real temperature) {
  Tensor y = softmax(x.value, axis, temperature);
  return record("softmax", {x}, y, [y, axis, temperature](const Gradient& g) {
    const int i = axis < 0 ? axis + y.rank() : axis;
    Tensor dx(y.shape());
    kernels().softmax_backward(y.data(), g.dy.data(), dx.data(), y.shape().elements(0, i), y.dim(i),
                               y.shape().elements(i + 1, y.rank()), 1 / temperature);
    g.add(0, std::move(dx));
  });
}

void gradient_cases_softmax(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{4, 7, 5}, Shape{3, 1, 17}, Shape{2, 33, 1}, Shape{0, 4, 2}})
    for (int axis : {0, 1, -1})
      for (real temperature : {real(1), real(0.3), real(4)})
        cases.add("axis " + std::to_string(axis) + " of " + shape.str(), {cases.normal(shape)},
                  [=](In x) { return softmax(x[0], axis, temperature); });
}

}  // namespace fu
