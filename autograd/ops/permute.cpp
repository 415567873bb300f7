// Axes in another order: the gradient goes back in the inverse order.
#include "autograd/gradient_cases.h"

namespace fu {

Var permute(const Var& x, const Shape& order) {
  Tensor y = x.value.permute(order);
  Shape inverse = order;
  for (int i = 0; i < order.rank(); ++i) inverse.set(static_cast<int>(order[i]), i);
  return record("permute", {x}, std::move(y), [inverse](const Gradient& g) { g.add(0, g.dy.permute(inverse)); });
}

void gradient_cases_permute(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("(0,2,3,1)", {cases.normal({2, 3, 4, 5})}, [](In x) { return permute(x[0], {0, 2, 3, 1}); });
  cases.add("(1,0)", {cases.normal({3, 7})}, [](In x) { return permute(x[0], {1, 0}); });
  cases.add("empty", {cases.normal({3, 0, 2})}, [](In x) { return permute(x[0], {2, 0, 1}); });
}

}  // namespace fu
