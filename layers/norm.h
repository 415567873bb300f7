// Normalisation along channels, the last axis.
#pragma once

#include "layers/module.h"

namespace fu {

/// Each vector to mean 0 and variance 1, then scaled and shifted. Parameters: weight, bias (C). source: arXiv
/// 1607.06450
class LayerNorm : public Module {
 public:
  explicit LayerNorm(Index channels, real eps = real(1e-5))
      : weight(Tensor::full({channels}, 1)), bias(Tensor::zeros({channels})), eps_(eps) {
    add("weight", weight);
    add("bias", bias);
  }
  template <class X>
  X operator()(const X& x) const {
    return layer_norm(x, as<X>(weight), as<X>(bias), eps_);
  }

  Parameter weight, bias;

 private:
  real eps_;
};

}  // namespace fu
