#include "core/ops/elementwise.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Tensor unary(Unary op, const Tensor& x, real p, real q) {
  Tensor y(x.shape());
  kernels().unary(op, x.data(), y.data(), x.size(), p, q);
  return y;
}

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.rank(), b.rank());
  const auto size = [rank](const Tensor& t, int axis) {
    return axis < rank - t.rank() ? 1 : t.dim(axis - (rank - t.rank()));
  };
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const Index m = size(a, i), n = size(b, i);
    require<ShapeError>(m == n || m == 1 || n == 1, "[binary] a ", a.shape(), " and b ", b.shape(),
                        ": sizes along axis ", i - rank, " must be equal or 1. Reshape or repeat one of them.");
    shape.push_back(m == 1 ? n : m);
  }
  Tensor y(shape);
  if (y.size() == 0) return y;
  // Trailing axes on which each side is either whole or a single value merge into one run.
  Index a_run = 1, b_run = 1, run = 1;
  int outer = rank;
  for (; outer > 0; --outer) {
    const Index m = size(a, outer - 1), n = size(b, outer - 1), s = shape[outer - 1];
    const bool a_fits = (m == s && a_run == run) || (m == 1 && a_run == 1);
    const bool b_fits = (n == s && b_run == run) || (n == 1 && b_run == 1);
    if (!a_fits || !b_fits) break;
    a_run *= m;
    b_run *= n;
    run *= s;
  }
  const Index runs = y.size() / run;
  // Steps of a and b along the axes before the run; 0 where they are repeated.
  Index sizes[Shape::kMaxRank], a_steps[Shape::kMaxRank], b_steps[Shape::kMaxRank], a_next = a_run, b_next = b_run;
  for (int i = outer - 1; i >= 0; --i) {
    const Index m = size(a, i), n = size(b, i);
    sizes[i] = shape[i], a_steps[i] = m == 1 ? 0 : a_next, b_steps[i] = n == 1 ? 0 : b_next;
    a_next *= m, b_next *= n;
  }
  constexpr Index kGrain = 1 << 14;
  const Index pieces = (run + kGrain - 1) / kGrain, grain = std::max<Index>(1, kGrain / run);
  const Kernels& table = kernels();
  parallel_ranges(runs * pieces, pieces > 1 ? 1 : grain, [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index r = task / pieces, at = task % pieces * kGrain, n = std::min(kGrain, run - at);
      const Index a_step = a_run == run && run > 1 ? 1 : 0, b_step = b_run == run && run > 1 ? 1 : 0;
      Index a_at = at * a_step, b_at = at * b_step;
      for (Index i = outer - 1, rest = r; i >= 0; rest /= sizes[i], --i)
        a_at += rest % sizes[i] * a_steps[i], b_at += rest % sizes[i] * b_steps[i];
      table.binary(op, a.data() + a_at, a_step, b.data() + b_at, b_step, y.data() + r * run + at, n);
    }
  });
  return y;
}

void add_to(Tensor& y, const Tensor& x) {
  require<ShapeError>(y.shape() == x.shape(), "[add_to] y ", y.shape(), " += x ", x.shape(), ": shapes must be equal.");
  parallel_ranges(y.size(), Index{1} << 14, [&](Index begin, Index end) {
    kernels().binary(Binary::add, y.data() + begin, 1, x.data() + begin, 1, y.data() + begin, end - begin);
  });
}

}  // namespace fu
