#include "core/ops/expand.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Tensor expand(const Tensor& x, const Shape& shape) {
  bool fits = x.rank() <= shape.rank();
  for (int i = 1; fits && i <= x.rank(); ++i) fits = x.dim(-i) == shape[-i] || x.dim(-i) == 1;
  require<ShapeError>(fits, "[expand] x ", x.shape(), " to ", shape,
                      ": sizes along each axis, from the last, must be equal or 1 in x.");
  if (x.shape() == shape) return x;
  Tensor y(shape);
  // The last axes are one run of consecutive elements as long as x has all of them whole, or has size 1 in all.
  const auto size = [&](int i) { return i <= x.rank() ? x.dim(-i) : 1; };
  Index run = 1, x_run = 1;
  int outer = shape.rank();
  for (int i = 1; outer > 0; ++i, --outer) {
    const Index n = shape[-i];
    if (!(size(i) == n && x_run == run) && !(size(i) == 1 && x_run == 1)) break;
    run *= n, x_run *= size(i);
  }
  constexpr Index kGrain = 1 << 14;
  const Index runs = run > 0 ? y.size() / run : 0, pieces = (run + kGrain - 1) / kGrain;
  parallel_ranges(runs * pieces, pieces > 1 ? 1 : kGrain / std::max<Index>(1, run), [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index r = task / pieces, at = task % pieces * kGrain, n = std::min(kGrain, run - at);
      Index from = 0, step = x_run, rest = r;
      for (int i = outer - 1; i >= 0; --i) {
        const Index m = size(shape.rank() - i);
        if (m != 1) from += rest % shape[i] * step;
        step *= m;
        rest /= shape[i];
      }
      if (x_run == run)
        std::copy_n(x.data() + from + at, n, y.data() + r * run + at);
      else
        std::fill_n(y.data() + r * run + at, n, x.data()[from]);
    }
  });
  return y;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  Tensor y = x;
  // Neighbouring axes that vanish are summed together.
  const int lead = x.rank() - shape.rank();
  require<ShapeError>(lead >= 0, "[sum_to] x ", x.shape(), " to ", shape, ".");
  const auto goes = [&](int i) { return i < lead || (shape[i - lead] == 1 && x.dim(i) != 1); };
  for (int i = 0; i < x.rank(); ++i) {
    if (!goes(i)) continue;
    int end = i;
    Shape next = y.shape();
    for (; end < x.rank() && goes(end); ++end) next.set(end, 1);
    Tensor part(next);
    kernels().sum_axis(y.data(), part.data(), y.shape().elements(0, i), y.shape().elements(i, end),
                       y.shape().elements(end, y.rank()));
    y = part;
    i = end - 1;
  }
  return y.reshape(shape);
}

}  // namespace fu
