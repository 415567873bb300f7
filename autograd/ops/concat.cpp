// Tensors one after another. The gradient of each is its part of the result's.
#include "autograd/gradient_cases.h"

namespace fu {

namespace {

Var concat(const Var* parts, std::size_t count, int axis) {
  PoolVector<Tensor> values;
  for (std::size_t p = 0; p < count; ++p) values.push_back(parts[p].value);
  Tensor y = concat(values.data(), count, axis);
  const int i = axis < 0 ? axis + y.rank() : axis;
  PoolVector<Index> sizes;
  for (const Tensor& value : values) sizes.push_back(value.dim(i));
  return record("concat", parts, count, std::move(y), [sizes, i](const Gradient& g) {
    Index at = 0;
    for (std::size_t p = 0; p < sizes.size(); at += sizes[p++])
      if (g.wants(static_cast<int>(p))) g.add(static_cast<int>(p), slice(g.dy, i, at, at + sizes[p]));
  });
}

}  // namespace

Var concat(const std::vector<Var>& parts, int axis) { return concat(parts.data(), parts.size(), axis); }
Var concat(std::initializer_list<Var> parts, int axis) { return concat(parts.begin(), parts.size(), axis); }

void gradient_cases_concat(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("axis 1", {cases.normal({2, 3, 5}), cases.normal({2, 4, 5})}, [](In x) { return concat(x, 1); });
  cases.add("last axis", {cases.normal({2, 3}), cases.normal({2, 1}), cases.normal({2, 0})},
            [](In x) { return concat(x, -1); });
  cases.add("with itself", {cases.normal({2, 3})}, [](In x) { return concat({x[0], x[0]}, 0); });
}

}  // namespace fu
