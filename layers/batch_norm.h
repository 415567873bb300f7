// Batch normalisation in evaluation, for frozen backbones.
#pragma once

#include "layers/conv2d.h"

namespace fu {

/// Batch norm with the statistics of training, as frozen backbones use it; they are loaded, not learned. Parameters:
/// weight, bias, running_mean, running_var (C). source: arXiv 1502.03167
class BatchNorm : public Module {
 public:
  explicit BatchNorm(Index channels, real eps = real(1e-5));
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return batch_norm(x, running_mean.value, running_var.value, as<X>(weight), as<X>(bias), eps_);
  }
  /// For inference: packs the convolution before it so that it gives norm(convolution), in the time of the convolution
  /// alone. The parameters of both become constants of size 0.
  void fold_into(Conv2d& before);
  /// Whether it is part of the convolution before it: then that is called alone.
  bool folded() const { return weight.packed; }

  Parameter weight, bias, running_mean, running_var;

 private:
  real eps_;
};

}  // namespace fu
