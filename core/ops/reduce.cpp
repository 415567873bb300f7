#include "core/ops/reduce.h"

#include "core/isa.h"
#include "core/ops/axis.h"
#include "core/ops/elementwise.h"

namespace fu {

Tensor sum(const Tensor& x, int axis) {
  const int i = front_axis("sum", x.shape(), axis);
  Shape shape = x.shape();
  shape.set(i, 1);
  Tensor y(shape);
  kernels().sum_axis(x.data(), y.data(), x.shape().elements(0, i), x.dim(i), x.shape().elements(i + 1, x.rank()));
  return y;
}

Tensor mean(const Tensor& x, int axis) {
  const Index n = x.dim(axis);
  return unary(Unary::affine, sum(x, axis), n > 0 ? 1 / static_cast<real>(n) : 0);
}

Tensor sum(const Tensor& x) {
  Tensor y{Shape{}};
  kernels().sum_axis(x.data(), y.data(), 1, x.size(), 1);
  return y;
}

Tensor mean(const Tensor& x) {
  return unary(Unary::affine, sum(x), x.size() > 0 ? 1 / static_cast<real>(x.size()) : 0);
}

}  // namespace fu
