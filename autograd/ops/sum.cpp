// Sums and means. Every element has the same weight in the result, so the gradient is repeated.
#include "autograd/gradient_cases.h"

namespace fu {

Var sum(const Var& x, int axis) {
  return record("sum", {x}, sum(x.value, axis),
                [shape = x.shape()](const Gradient& g) { g.add(0, expand(g.dy, shape)); });
}

Var sum(const Var& x) {
  return record("sum", {x}, sum(x.value), [shape = x.shape()](const Gradient& g) { g.add(0, expand(g.dy, shape)); });
}

Var mean(const Var& x, int axis) {
  return affine(sum(x, axis), x.dim(axis) > 0 ? 1 / static_cast<real>(x.dim(axis)) : 0);
}
Var mean(const Var& x) { return affine(sum(x), x.size() > 0 ? 1 / static_cast<real>(x.size()) : 0); }

void gradient_cases_sum(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{4, 7, 5}, Shape{2, 1, 3}, Shape{3, 0, 2}})
    for (int axis : {0, 1, 2, -1}) {
      cases.add("axis " + shape.str(), {cases.normal(shape)}, [axis](In x) { return sum(x[0], axis); });
      cases.add("mean " + shape.str(), {cases.normal(shape)}, [axis](In x) { return mean(x[0], axis); });
    }
  cases.add("all", {cases.normal({3, 5, 2})}, [](In x) { return sum(x[0]); });
  cases.add("mean of all", {cases.normal({3, 5, 2})}, [](In x) { return mean(x[0]); });
  cases.add("many rows", {cases.normal({5000, 3})}, [](In x) { return sum(x[0], 0); });
}

}  // namespace fu
