// Adaptive convolution, y[p] = sum over q of k[p,q] x[q], and products of neighbours, k[p,q] = a[p] . b[q]. The
// backward pass of each uses the kernels of the other.
#include <cmath>

#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

namespace {

/// sum over the pixels p that read q of k[p,q] dy[p]
Tensor scatter(const Tensor& k, const Tensor& dy, Index radius) {
  Tensor dx(dy.shape());
  kernels().adaptive_conv_backward_input(k.data(), dy.data(), dx.data(), dy.dim(0), dy.dim(1), dy.dim(2), dy.dim(3),
                                         radius);
  return dx;
}

/// a[p] . b[q] for the neighbours q of p
Tensor products(const Tensor& a, const Tensor& b, Index radius) {
  const Index d = 2 * radius + 1;
  Tensor k({a.dim(0), a.dim(1), a.dim(2), d * d});
  kernels().adaptive_conv_backward_kernels(b.data(), a.data(), k.data(), a.dim(0), a.dim(1), a.dim(2), a.dim(3),
                                           radius);
  return k;
}

}  // namespace

Var adaptive_conv(const Var& x, const Var& k) {
  Tensor y = adaptive_conv(x.value, k.value);
  return record("adaptive_conv", {x, k}, std::move(y), [x = x.value, k = k.value](const Gradient& g) {
    const auto radius = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(k.dim(3))))) / 2;
    if (g.wants(0)) g.add(0, scatter(k, g.dy, radius));
    if (g.wants(1)) g.add(1, products(g.dy, x, radius));
  });
}

Var neighbor_products(const Var& a, const Var& b, Index radius) {
  require<ShapeError>(
      a.rank() == 4 && a.shape() == b.shape() && radius >= 0 && radius <= 5 && a.dim(1) > radius && a.dim(2) > radius,
      "[neighbor_products] a ", a.shape(), ", b ", b.shape(), ", radius ", radius,
      ": must be equal (B,H,W,C), H and W above the radius, which is at most 5.");
  return record("neighbor_products", {a, b}, products(a.value, b.value, radius),
                [a = a.value, b = b.value, radius](const Gradient& g) {
                  if (g.wants(0)) g.add(0, adaptive_conv(b, g.dy));
                  if (g.wants(1)) g.add(1, scatter(g.dy, a, radius));
                });
}

void gradient_cases_adaptive_conv(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Shape x;
    Index radius;
  };
  for (const Case& c :
       {Case{{2, 5, 6, 3}, 1}, Case{{1, 4, 5, 9}, 3}, Case{{1, 3, 4, 17}, 2}, Case{{1, 2, 2, 1}, 1},
        Case{{0, 4, 4, 2}, 1}, Case{{1, 6, 6, 130}, 1}, Case{{1, 9, 45, 5}, 3}, Case{{1, 9, 43, 70}, 3}}) {
    const Index d = 2 * c.radius + 1;
    Shape k = c.x;
    k.set(3, d * d);
    cases.add("conv " + c.x.str(), {cases.normal(c.x), cases.normal(k)},
              [](In x) { return adaptive_conv(x[0], x[1]); });
    cases.add("products " + c.x.str(), {cases.normal(c.x), cases.normal(c.x)},
              [r = c.radius](In x) { return neighbor_products(x[0], x[1], r); });
    cases.add("keys with themselves " + c.x.str(), {cases.normal(c.x)},
              [r = c.radius](In x) { return neighbor_products(x[0], x[0], r); });
  }
}

}  // namespace fu
