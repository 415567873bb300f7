// y = a b: da = dy b^T, db = a^T dy.
#include "autograd/gradient_cases.h"

namespace fu {

Var matmul(const Var& a, const Var& b) {
  return record("matmul", {a, b}, matmul(a.value, b.value), [a = a.value, b = b.value](const Gradient& g) {
    if (g.wants(0)) g.add(0, matmul(g.dy, b, false, true));
    if (g.wants(1)) g.add(1, matmul(a, g.dy, true, false));
  });
}

void gradient_cases_matmul(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const std::pair<Shape, Shape> shapes[] = {{{17, 9}, {9, 13}}, {{3, 5, 4}, {3, 4, 7}}, {{1, 1}, {1, 1}},
                                            {{0, 3}, {3, 2}},   {{4, 0}, {0, 2}},       {{2, 2, 1, 8}, {2, 2, 8, 33}}};
  for (const auto& [a, b] : shapes)
    cases.add(a.str() + b.str(), {cases.normal(a), cases.normal(b)}, [](In x) { return matmul(x[0], x[1]); });
  cases.add("squared", {cases.normal({6, 6})}, [](In x) { return matmul(x[0], x[0]); });
}

}  // namespace fu
