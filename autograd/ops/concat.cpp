// Tensors one after another: each gets its part of the gradient.
#include "autograd/gradient_cases.h"

namespace fu {

Var concat(const std::vector<Var>& parts, int axis) {
  std::vector<Tensor> values;
  for (const Var& part : parts) values.push_back(part.value);
  Tensor y = concat(values, axis);
  const int i = axis < 0 ? axis + y.rank() : axis;
  std::vector<Index> sizes;
  for (const Var& part : parts) sizes.push_back(part.dim(i));
  return record("concat", parts, std::move(y), [sizes, i](const Gradient& g) {
    Index at = 0;
    for (std::size_t p = 0; p < sizes.size(); at += sizes[p++])
      if (g.wants(static_cast<int>(p))) g.add(static_cast<int>(p), slice(g.dy, i, at, at + sizes[p]));
  });
}

void gradient_cases_concat(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("axis 1", {cases.normal({2, 3, 5}), cases.normal({2, 4, 5})}, [](In x) { return concat(x, 1); });
  cases.add("last axis", {cases.normal({2, 3}), cases.normal({2, 1}), cases.normal({2, 0})}, [](In x) { return concat(x, -1); });
  cases.add("with itself", {cases.normal({2, 3})}, [](In x) { return concat({x[0], x[0]}, 0); });
}

}  // namespace fu
