// Batch norm in evaluation is an affine map of each channel, its statistics constants.
#include "autograd/gradient_cases.h"

namespace fu {

Var batch_norm(const Var& x, const Tensor& mean, const Tensor& variance, const Var& weight, const Var& bias, real eps) {
  require<ShapeError>(x.rank() >= 1, "[batch_norm] x must have an axis of channels.");
  const Shape channels{x.dim(-1)};
  require<ShapeError>(mean.shape() == channels && variance.shape() == channels && weight.shape() == channels &&
                          bias.shape() == channels,
                      "[batch_norm] x ", x.shape(), ", mean ", mean.shape(), ", variance ", variance.shape(),
                      ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": all but x must be (C), C the size of x's last axis.");
  return (x - Var(mean)) * (weight * Var(inverse_deviation(variance, eps))) + bias;
}

void gradient_cases_batch_norm(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const Tensor mean = cases.normal({5}), variance = cases.positive({5});
  cases.add("(2,3,4,5)", {cases.normal({2, 3, 4, 5}), cases.normal({5}), cases.normal({5})},
            [=](In x) { return batch_norm(x[0], mean, variance, x[1], x[2], real(1e-5)); });
}

}  // namespace fu
