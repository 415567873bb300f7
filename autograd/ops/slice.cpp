// Part of an axis. The gradient is zero outside it.
#include "autograd/gradient_cases.h"

namespace fu {

Var slice(const Var& x, int axis, Index begin, Index end) {
  return record("slice", {x}, slice(x.value, axis, begin, end),
                [axis, begin, n = x.dim(axis)](const Gradient& g) { g.add(0, unslice(g.dy, axis, begin, n)); });
}

void gradient_cases_slice(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (int axis : {0, 1, 2, -2})
    cases.add("axis " + std::to_string(axis), {cases.normal({4, 5, 6})},
              [axis](In x) { return slice(x[0], axis, 1, 3); });
  cases.add("nothing", {cases.normal({4, 5})}, [](In x) { return slice(x[0], 1, 2, 2); });
  cases.add("differences", {cases.normal({6, 3})}, [](In x) { return slice(x[0], 0, 1, 6) - slice(x[0], 0, 0, 5); });
}

}  // namespace fu
