// Sums, differences, products and quotients, element by element with broadcasting. A gradient has the shape of the
// result; the engine sums it over the axes along which an input was repeated.
#include "autograd/gradient_cases.h"

namespace fu {

Var operator+(const Var& a, const Var& b) {
  return record("add", {a, b}, a.value + b.value, [](const Gradient& g) {
    g.add(0, g.dy);
    g.add(1, g.dy);
  });
}

Var operator-(const Var& a, const Var& b) {
  return record("sub", {a, b}, a.value - b.value, [](const Gradient& g) {
    g.add(0, g.dy);
    if (g.wants(1)) g.add(1, unary(Unary::affine, g.dy, -1));
  });
}

Var operator*(const Var& a, const Var& b) {
  return record("mul", {a, b}, a.value * b.value, [u = a.value, v = b.value](const Gradient& g) {
    if (g.wants(0)) g.add(0, g.dy * v);
    if (g.wants(1)) g.add(1, g.dy * u);
  });
}

Var operator/(const Var& a, const Var& b) {
  Tensor y = a.value / b.value;
  return record("div", {a, b}, y, [y, v = b.value](const Gradient& g) {
    const Tensor da = g.dy / v;  // d(a/b)/db = -(a/b) / b
    g.add(0, da);
    if (g.wants(1)) g.add(1, unary(Unary::affine, da * y, -1));
  });
}

Var affine(const Var& x, real scale, real shift) { return unary(Unary::affine, x, scale, shift); }

void gradient_cases_arithmetic(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const std::pair<Shape, Shape> shapes[] = {{{3, 4}, {3, 4}}, {{3, 1, 5}, {6, 1}}, {{2, 3, 7}, {7}}, {{5}, {}},
                                            {{1}, {4, 1, 3}}, {{0, 3}, {3}},       {{1, 1}, {1}}};
  for (const auto& [a, b] : shapes) {
    cases.add("add " + a.str() + b.str(), {cases.normal(a), cases.normal(b)}, [](In x) { return x[0] + x[1]; });
    cases.add("sub " + a.str() + b.str(), {cases.normal(a), cases.normal(b)}, [](In x) { return x[0] - x[1]; });
    cases.add("mul " + a.str() + b.str(), {cases.normal(a), cases.normal(b)}, [](In x) { return x[0] * x[1]; });
    cases.add("div " + a.str() + b.str(), {cases.normal(a), cases.positive(b)}, [](In x) { return x[0] / x[1]; });
  }
  cases.add("x + x", {cases.normal({3, 5})}, [](In x) { return x[0] + x[0]; });
  cases.add("x * x", {cases.normal({3, 5})}, [](In x) { return x[0] * x[0]; });
  cases.add("x - x / x", {cases.positive({3, 5})}, [](In x) { return x[0] - x[0] / x[0]; });
  cases.add("diamond", {cases.normal({4, 5})}, [](In x) {
    const Var a = x[0] * x[0];
    return (a + x[0]) * (a - x[0]);
  });
}

}  // namespace fu
