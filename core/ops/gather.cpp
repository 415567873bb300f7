#include "core/ops/gather.h"

#include <algorithm>

#include "core/parallel.h"

namespace fu {

Tensor gather(const Tensor& x, const std::shared_ptr<const std::vector<Index>>& rows) {
  require<ShapeError>(x.rank() >= 1, "[gather] x must have an axis.");
  for (Index r : *rows)
    require<ShapeError>(r >= 0 && r < x.dim(0), "[gather] row ", r, " of ", x.shape(), ", which has ", x.dim(0), ".");
  Shape shape = x.shape();
  const Index n = static_cast<Index>(rows->size()), run = shape.elements(1, shape.rank());
  shape.set(0, n);
  Tensor y(shape);
  parallel_ranges(n, std::max<Index>(1, 16384 / std::max<Index>(1, run)), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(x.data() + (*rows)[usize(i)] * run, run, y.data() + i * run);
  });
  return y;
}

}  // namespace fu
