// Batch normalisation in evaluation, for frozen backbones.
#pragma once

#include "autograd/ops.h"
#include "layers/module.h"

namespace fu {

/// Batch norm with the statistics of training, as frozen backbones use it; they are loaded, not learned. Parameters:
/// weight, bias, running_mean, running_var (C). source: arXiv 1502.03167
class BatchNorm : public Module {
 public:
  explicit BatchNorm(Index channels, real eps = real(1e-5))
      : weight(Tensor::full({channels}, 1)),
        bias(Tensor::zeros({channels})),
        running_mean(Tensor::zeros({channels})),
        running_var(Tensor::full({channels}, 1)),
        eps_(eps) {
    add("weight", weight);
    add("bias", bias);
    add("running_mean", running_mean);
    add("running_var", running_var);
    running_mean.trainable = running_var.trainable = false;
    running_mean.buffer = running_var.buffer = true;
  }
  Var operator()(const Var& x) const {
    return batch_norm(x, running_mean.value, running_var.value, weight, bias, eps_);
  }

  Parameter weight, bias, running_mean, running_var;

 private:
  real eps_;
};

}  // namespace fu
