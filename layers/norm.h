// Normalisation along channels, the last axis.
#pragma once

#include "layers/module.h"

namespace fu {

/// Each vector to mean 0 and variance 1, then scaled and shifted. Parameters: weight, bias (C). source: arXiv
/// 1607.06450
class LayerNorm : public Layer {
 public:
  explicit LayerNorm(Index channels, real eps = real(1e-5))
      : weight(Tensor::full({channels}, 1)), bias(Tensor::zeros({channels})), eps_(eps) {
    add("weight", weight);
    add("bias", bias);
  }
  Var operator()(const Var& x) const override { return layer_norm(x, weight, bias, eps_); }

  Parameter weight, bias;

 private:
  real eps_;
};

/// Batch norm with the statistics of training, as frozen backbones use it; they are loaded, not learned. Parameters:
/// weight, bias, running_mean, running_var (C). source: arXiv 1502.03167
class BatchNorm : public Layer {
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
  Var operator()(const Var& x) const override {
    return batch_norm(x, running_mean.value, running_var.value, weight, bias, eps_);
  }

  Parameter weight, bias, running_mean, running_var;

 private:
  real eps_;
};

}  // namespace fu
