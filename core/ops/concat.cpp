#include "core/ops/concat.h"

#include <algorithm>

#include "core/ops/axis.h"
#include "core/parallel.h"

namespace fu {

Tensor concat(const std::vector<Tensor>& parts, int axis) { return concat(parts.data(), parts.size(), axis); }

Tensor concat(const Tensor* parts, std::size_t count, int axis) {
  require<ShapeError>(count > 0, "[concat] no tensors. Give at least one.");
  const int i = front_axis("concat", parts[0].shape(), axis);
  Shape shape = parts[0].shape();
  Index total = 0;
  for (std::size_t p = 0; p < count; ++p) {
    const Tensor& part = parts[p];
    Shape alike = part.shape();
    if (part.rank() == shape.rank()) alike.set(i, shape[i]);
    require<ShapeError>(alike == shape, "[concat] ", parts[0].shape(), " and ", part.shape(), " along axis ", axis,
                        ": all other sizes must be equal.");
    total += part.dim(i);
  }
  shape.set(i, total);
  Tensor y(shape);
  const Index outer = shape.elements(0, i), inner = shape.elements(i + 1, shape.rank());
  Index at = 0;
  for (std::size_t p = 0; p < count; ++p) {
    const Tensor& part = parts[p];
    const Index run = part.dim(i) * inner;
    for (Index o = 0; o < outer; ++o) std::copy_n(part.data() + o * run, run, y.data() + o * total * inner + at);
    at += run;
  }
  return y;
}

namespace {

/// Copies rows of `run` reals from one stride to another.
void copy_strided(const real* in, Index in_step, real* out, Index out_step, Index rows, Index run) {
  parallel_ranges(rows, std::max<Index>(1, 16384 / std::max<Index>(1, run)), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(in + i * in_step, run, out + i * out_step);
  });
}

}  // namespace

Tensor slice(const Tensor& x, int axis, Index begin, Index end) {
  const int i = front_axis("slice", x.shape(), axis);
  require<ShapeError>(begin >= 0 && begin <= end && end <= x.dim(i), "[slice] [", begin, ",", end, ") of axis ", axis,
                      " of ", x.shape(), ": must lie within the axis.");
  Shape shape = x.shape();
  shape.set(i, end - begin);
  Tensor y(shape);
  const Index inner = shape.elements(i + 1, shape.rank());
  copy_strided(x.data() + begin * inner, x.dim(i) * inner, y.data(), (end - begin) * inner, shape.elements(0, i),
               (end - begin) * inner);
  return y;
}

Tensor unslice(const Tensor& x, int axis, Index begin, Index n) {
  const int i = front_axis("unslice", x.shape(), axis);
  require<ShapeError>(begin >= 0 && begin + x.dim(i) <= n, "[unslice] x ", x.shape(), " at ", begin, " of ", n,
                      " along axis ", axis, ".");
  Shape shape = x.shape();
  shape.set(i, n);
  Tensor y = Tensor::zeros(shape);
  const Index inner = shape.elements(i + 1, shape.rank()), run = x.dim(i) * inner;
  copy_strided(x.data(), run, y.data() + begin * inner, n * inner, shape.elements(0, i), run);
  return y;
}

}  // namespace fu
