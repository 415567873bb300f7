// Rectangles of images: their weighted sums, y[n] = sum over pixels p of weights[n,p] x[p], and products with a vector,
// v[n] . x[p]. The backward pass of each uses the kernels of the other.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

namespace {

/// Calls f with the arguments of a kernel, and scratch.
template <class F>
void with_scratch(const Rectangles& r, Index channels, const F& f) {
  RectangleArgs args = r.arguments(channels);
  Tensor scratch({kernels().rectangle_scratch(args)});
  args.scratch = scratch.data();
  f(args);
}

Tensor sums(const Tensor& x, const Tensor& weights, const Rectangles& r) {
  Tensor y({r.count(), x.dim(3)});
  with_scratch(r, x.dim(3),
               [&](const RectangleArgs& args) { kernels().rectangle_sums(x.data(), weights.data(), y.data(), args); });
  return y;
}

Tensor products(const Tensor& x, const Tensor& v, const Rectangles& r) {
  Tensor p({r.weights()});
  with_scratch(r, x.dim(3),
               [&](const RectangleArgs& args) { kernels().rectangle_products(x.data(), v.data(), p.data(), args); });
  return p;
}

/// The gradient of x: every pixel of a rectangle gets its weight times the rectangle's vector.
void spread(const Gradient& g, const Shape& x, const Tensor& weights, const Tensor& v, const Rectangles& r) {
  bool fresh = false;
  Tensor dx = g.target(0, fresh);
  with_scratch(r, x[3], [&](const RectangleArgs& args) {
    kernels().rectangle_sums_backward_input(weights.data(), v.data(), dx.data(), !fresh, args);
  });
  g.set(0, std::move(dx));
}

void check(const char* op, const Shape& x, const Shape& other, const Shape& expected, const Rectangles& r) {
  require<ShapeError>(x.rank() == 4 && x[0] == r.batch() && x[1] == r.h() && x[2] == r.w() && other == expected, "[",
                      op, "] x ", x, ", ", other, " for ", r.count(), " rectangles of images (", r.batch(), ",", r.h(),
                      ",", r.w(), ",C): must be that and ", expected, ".");
}

}  // namespace

Var rectangle_sums(const Var& x, const Var& weights, std::shared_ptr<const Rectangles> r) {
  check("rectangle_sums", x.shape(), weights.shape(), Shape{r->weights()}, *r);
  return record("rectangle_sums", {x, weights}, sums(x.value, weights.value, *r),
                [x = x.value, w = weights.value, r](const Gradient& g) {
                  if (g.wants(0)) spread(g, x.shape(), w, g.dy, *r);
                  if (g.wants(1)) g.add(1, products(x, g.dy, *r));
                });
}

Var rectangle_products(const Var& x, const Var& v, std::shared_ptr<const Rectangles> r) {
  check("rectangle_products", x.shape(), v.shape(), Shape{r->count(), x.dim(-1)}, *r);
  return record("rectangle_products", {x, v}, products(x.value, v.value, *r),
                [x = x.value, v = v.value, r](const Gradient& g) {
                  if (g.wants(0)) spread(g, x.shape(), g.dy, v, *r);
                  if (g.wants(1)) g.add(1, sums(x, g.dy, *r));
                });
}

void gradient_cases_rectangles(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (Index c : {Index{1}, Index{5}, Index{37}}) {
    const auto some = std::make_shared<Rectangles>(2, 17, 53);
    for (Index i = 0; i < 7; ++i) some->add(i % 2, i, 5 * i, 1 + i, 2 + 3 * i % 11);
    some->add(1, 3, 20, 14, 33);
    some->finish();
    const Tensor x = cases.normal({2, 17, 53, c});
    cases.add("sums of " + std::to_string(c), {x, cases.normal({some->weights()})},
              [some](In in) { return rectangle_sums(in[0], in[1], some); });
    cases.add("products of " + std::to_string(c), {x, cases.normal({some->count(), c})},
              [some](In in) { return rectangle_products(in[0], in[1], some); });
  }
}

}  // namespace fu
