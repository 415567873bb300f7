// Windows of an image: their weighted sums, y[n] = sum over t of weights[n,t] x[t], and products with a vector, p[n,t] = v[n] . x[t]. Each is
// the other's gradient.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

namespace {

Windows arguments(const Shape& x, const WindowGrid& grid) {
  Windows w;
  w.batch = x[0], w.h = x[1], w.w = x[2], w.c = x[3];
  w.rows = static_cast<Index>(grid.rows.size()), w.cols = static_cast<Index>(grid.cols.size()), w.k = grid.k;
  w.row_start = grid.rows.data(), w.col_start = grid.cols.data();
  return w;
}

void check(const char* op, const Shape& x, const Shape& other, Index last, const WindowGrid& grid) {
  const Index n = static_cast<Index>(grid.rows.size() * grid.cols.size());
  bool fits = x.rank() == 4 && other.rank() == 3 && other[0] == x[0] && other[1] == n && other[2] == last && grid.k >= 1;
  for (int axis = 0; fits && axis < 2; ++axis) {
    const std::vector<Index>& starts = axis == 0 ? grid.rows : grid.cols;
    for (std::size_t i = 0; i < starts.size(); ++i)
      fits = fits && starts[i] >= 0 && starts[i] + grid.k <= x[1 + axis] && (i == 0 || starts[i] >= starts[i - 1]);
  }
  require<ShapeError>(fits, "[", op, "] x ", x, ", ", other, " for ", grid.rows.size(), "x", grid.cols.size(), " windows of side ", grid.k,
                      ": must be (B,H,W,C) and (B,", n, ",", last, "), windows inside, ascending.");
}

Tensor spread(const Tensor& weights, const Tensor& v, const Shape& x, const WindowGrid& grid) {
  Tensor dx(x);
  kernels().pool_windows_backward_input(weights.data(), v.data(), dx.data(), arguments(x, grid));
  return dx;
}
Tensor products(const Tensor& x, const Tensor& v, const WindowGrid& grid) {
  Tensor p({v.dim(0), v.dim(1), grid.k * grid.k});
  kernels().pool_windows_backward_weights(x.data(), v.data(), p.data(), arguments(x.shape(), grid));
  return p;
}
Tensor pooled(const Tensor& x, const Tensor& weights, const WindowGrid& grid) {
  Tensor y({weights.dim(0), weights.dim(1), x.dim(3)});
  kernels().pool_windows(x.data(), weights.data(), y.data(), arguments(x.shape(), grid));
  return y;
}

}  // namespace

Var pool_windows(const Var& x, const Var& weights, std::shared_ptr<const WindowGrid> grid) {
  check("pool_windows", x.shape(), weights.shape(), grid->k * grid->k, *grid);
  return record("pool_windows", {x, weights}, pooled(x.value, weights.value, *grid), [x = x.value, w = weights.value, grid](const Gradient& g) {
    if (g.wants(0)) g.add(0, spread(w, g.dy, x.shape(), *grid));
    if (g.wants(1)) g.add(1, products(x, g.dy, *grid));
  });
}

Var window_products(const Var& x, const Var& v, std::shared_ptr<const WindowGrid> grid) {
  check("window_products", x.shape(), v.shape(), x.dim(-1), *grid);
  return record("window_products", {x, v}, products(x.value, v.value, *grid), [x = x.value, v = v.value, grid](const Gradient& g) {
    if (g.wants(0)) g.add(0, spread(g.dy, v, x.shape(), *grid));
    if (g.wants(1)) g.add(1, pooled(x, g.dy, *grid));
  });
}

void gradient_cases_windows(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (Index c : {Index{1}, Index{5}, Index{9}}) {
    const auto grid = std::make_shared<const WindowGrid>(WindowGrid{{0, 2, 5}, {0, 4}, 3});
    const Tensor x = cases.normal({2, 8, 7, c});
    cases.add("sums of " + std::to_string(c), {x, cases.normal({2, 6, 9})}, [grid](In in) { return pool_windows(in[0], in[1], grid); });
    cases.add("products of " + std::to_string(c), {x, cases.normal({2, 6, c})}, [grid](In in) { return window_products(in[0], in[1], grid); });
  }
}

}  // namespace fu
