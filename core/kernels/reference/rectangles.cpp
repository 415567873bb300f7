// Definitions of weighted sums over rectangles.
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// Calls f(rectangle, position of its weight, pixel) for every pixel of every rectangle.
template <class F>
void each_place(const RectangleArgs& g, const F& f) {
  for (Index n = 0; n < g.count; ++n) {
    const Rectangle& r = g.items[n];
    for (Index i = 0; i < r.rows; ++i)
      for (Index j = 0; j < r.cols; ++j)
        f(n, r.weights + i * r.cols + j, (r.image * g.h + r.top + i) * g.w + r.left + j);
  }
}

}  // namespace

Index rectangle_scratch_ref(const RectangleArgs&) { return 0; }

void rectangle_sums_ref(const real* x, const real* weights, real* y, const RectangleArgs& g) {
  std::vector<double> sum(usize(g.count * g.c));
  each_place(g, [&](Index n, Index at, Index pixel) {
    for (Index i = 0; i < g.c; ++i) sum[usize(n * g.c + i)] += double(weights[at]) * double(x[pixel * g.c + i]);
  });
  for (std::size_t i = 0; i < sum.size(); ++i) y[i] = static_cast<real>(sum[i]);
}

void rectangle_sums_backward_input_ref(const real* weights, const real* dy, real* dx, bool accumulate,
                                       const RectangleArgs& g) {
  std::vector<double> sum(usize(g.batch * g.h * g.w * g.c));
  each_place(g, [&](Index n, Index at, Index pixel) {
    for (Index i = 0; i < g.c; ++i) sum[usize(pixel * g.c + i)] += double(weights[at]) * double(dy[n * g.c + i]);
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<real>(sum[i] + (accumulate ? double(dx[i]) : 0));
}

void rectangle_products_ref(const real* x, const real* v, real* products, const RectangleArgs& g) {
  each_place(g, [&](Index n, Index at, Index pixel) {
    double dot = 0;
    for (Index i = 0; i < g.c; ++i) dot += double(v[n * g.c + i]) * double(x[pixel * g.c + i]);
    products[at] = static_cast<real>(dot);
  });
}

}  // namespace fu
