// Repetition along axes. The engine sums the gradient over them.
#include "autograd/gradient_cases.h"

namespace fu {

Var expand(const Var& x, const Shape& shape) {
  return record("expand", {x}, expand(x.value, shape), [](const Gradient& g) { g.add(0, g.dy); });
}

void gradient_cases_expand(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("(3,1,5) to (3,6,5)", {cases.normal({3, 1, 5})}, [](In x) { return expand(x[0], {3, 6, 5}); });
  cases.add("(1,2) to (4,3,2)", {cases.normal({1, 2})}, [](In x) { return expand(x[0], {4, 3, 2}); });
  cases.add("a scalar", {cases.normal({})}, [](In x) { return expand(x[0], {2, 3}); });
  cases.add("nothing to do", {cases.normal({2, 3})}, [](In x) { return expand(x[0], {2, 3}); });
}

}  // namespace fu
