#include "core/ops/normalize.h"

#include "core/isa.h"
#include "core/ops/axis.h"
#include "core/ops/elementwise.h"

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

Tensor rms_norm(const Tensor& x, const Tensor& weight, real eps) {
  require<ShapeError>(x.rank() >= 1 && weight.shape() == Shape{x.dim(-1)}, "[rms_norm] x ", x.shape(), ", weight ",
                      weight.shape(), ": weight must have as many elements as x's last axis.");
  Tensor y(x.shape());
  const Index c = x.dim(-1);
  kernels().rms_norm(x.data(), weight.data(), y.data(), c > 0 ? x.size() / c : 0, c, eps);
  return y;
}

Tensor inverse_deviation(const Tensor& variance, real eps) {
  return unary(Unary::reciprocal, unary(Unary::sqrt, unary(Unary::affine, variance, 1, eps)));
}

Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight, const Tensor& bias,
                  real eps) {
  require<ShapeError>(x.rank() >= 1, "[batch_norm] x must have an axis of channels.");
  const Shape channels{x.dim(-1)};
  require<ShapeError>(mean.shape() == channels && variance.shape() == channels && weight.shape() == channels &&
                          bias.shape() == channels,
                      "[batch_norm] x ", x.shape(), ", mean ", mean.shape(), ", variance ", variance.shape(),
                      ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": all but x must be (C), C the size of x's last axis.");
  return (x - mean) * (weight * inverse_deviation(variance, eps)) + bias;
}

}  // namespace fu
