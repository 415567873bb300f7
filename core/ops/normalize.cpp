#include "core/ops/normalize.h"

#include "core/isa.h"
#include "core/ops/axis.h"

namespace fu {

Tensor softmax(const Tensor& x, int axis, real temperature) {
  const int i = front_axis("softmax", x.shape(), axis);
  require<ShapeError>(temperature > 0, "[softmax] temperature ", temperature, " must be positive.");
  Tensor y(x.shape());
  kernels().softmax(x.data(), y.data(), x.shape().elements(0, i), x.dim(i), x.shape().elements(i + 1, x.rank()),
                    1 / temperature);
  return y;
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, real eps) {
  require<ShapeError>(x.rank() >= 1 && weight.size() == x.dim(-1) && bias.size() == x.dim(-1), "[layer_norm] x ",
                      x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": weight and bias must have as many elements as x's last axis.");
  Tensor y(x.shape());
  const Index c = x.dim(-1);
  kernels().layer_norm(x.data(), weight.data(), bias.data(), y.data(), c > 0 ? x.size() / c : 0, c, eps);
  return y;
}

}  // namespace fu
