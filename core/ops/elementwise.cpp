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

namespace {

/// How two broadcast tensors are read: the last axes as one run of consecutive elements, those before by steps.
struct Broadcast {
  Shape shape;                 // of the result
  int outer = 0;               // axes before the run
  Index run = 1;               // elements of a run of the result
  Index a_run = 1, b_run = 1;  // elements of a and b that a run reads: as many, or one that is repeated
  // Of the axes before the run: their sizes, and the steps of a and b along them, 0 where they are repeated.
  Index sizes[Shape::kMaxRank] = {}, a_steps[Shape::kMaxRank] = {}, b_steps[Shape::kMaxRank] = {};
};

Broadcast broadcast_of(const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.rank(), b.rank());
  const auto size = [rank](const Tensor& t, int axis) {
    return axis < rank - t.rank() ? 1 : t.dim(axis - (rank - t.rank()));
  };
  Broadcast c;
  for (int i = 0; i < rank; ++i) {
    const Index m = size(a, i), n = size(b, i);
    require<ShapeError>(m == n || m == 1 || n == 1, "[binary] a ", a.shape(), " and b ", b.shape(),
                        ": sizes along axis ", i - rank, " must be equal or 1. Reshape or repeat one of them.");
    c.shape.push_back(m == 1 ? n : m);
  }
  // The last axes are one run as long as each side is either read whole in it, or is a single value.
  for (c.outer = rank; c.outer > 0; --c.outer) {
    const Index m = size(a, c.outer - 1), n = size(b, c.outer - 1), s = c.shape[c.outer - 1];
    const bool a_fits = (m == s && c.a_run == c.run) || (m == 1 && c.a_run == 1);
    const bool b_fits = (n == s && c.b_run == c.run) || (n == 1 && c.b_run == 1);
    if (!a_fits || !b_fits) break;
    c.a_run *= m;
    c.b_run *= n;
    c.run *= s;
  }
  Index a_next = c.a_run, b_next = c.b_run;
  for (int i = c.outer - 1; i >= 0; --i) {
    const Index m = size(a, i), n = size(b, i);
    c.sizes[i] = c.shape[i], c.a_steps[i] = m == 1 ? 0 : a_next, c.b_steps[i] = n == 1 ? 0 : b_next;
    a_next *= m, b_next *= n;
  }
  return c;
}

}  // namespace

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  const Broadcast c = broadcast_of(a, b);
  Tensor y(c.shape);
  if (y.size() == 0) return y;
  constexpr Index kGrain = 1 << 14;
  const Index run = c.run, runs = y.size() / run, pieces = (run + kGrain - 1) / kGrain;
  const Index grain = std::max<Index>(1, kGrain / run);
  const Index a_step = c.a_run == run && run > 1 ? 1 : 0, b_step = c.b_run == run && run > 1 ? 1 : 0;
  const Kernels& table = kernels();
  parallel_ranges(runs * pieces, pieces > 1 ? 1 : grain, [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index r = task / pieces, at = task % pieces * kGrain, n = std::min(kGrain, run - at);
      Index a_at = at * a_step, b_at = at * b_step;
      for (Index i = c.outer - 1, rest = r; i >= 0; rest /= c.sizes[i], --i)
        a_at += rest % c.sizes[i] * c.a_steps[i], b_at += rest % c.sizes[i] * c.b_steps[i];
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
