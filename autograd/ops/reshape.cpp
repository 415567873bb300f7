// The same elements under another shape. The gradient gets the first shape back.
#include "autograd/gradient_cases.h"

namespace fu {

Var reshape(const Var& x, const Shape& shape) {
  return record("reshape", {x}, x.value.reshape(shape),
                [from = x.shape()](const Gradient& g) { g.add(0, g.dy.reshape(from)); });
}

void gradient_cases_reshape(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("(2,6) to (3,4)", {cases.normal({2, 6})}, [](In x) { return reshape(x[0], {3, 4}); });
  cases.add("to a scalar", {cases.normal({1, 1})}, [](In x) { return reshape(x[0], {}); });
  cases.add("and used twice", {cases.normal({4})}, [](In x) { return reshape(x[0], {2, 2}) * reshape(x[0], {2, 2}); });
}

}  // namespace fu
