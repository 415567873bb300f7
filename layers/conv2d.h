// Convolution over images.
#pragma once

#include "layers/module.h"

namespace fu {

/// x (B,H,W,in) -> (B,Ho,Wo,out) with zero padding. Parameters: weight (out,k,k,in), in files (out,in,k,k), and bias
/// (out).
class Conv2d : public Module {
 public:
  Conv2d(Index in, Index out, Index kernel, Random* random, Index stride = 1, Index padding = 0, Index dilation = 1,
         bool bias = true);
  template <class X>
  X operator()(const X& x) const {
    if (packed_.out() > 0) return conv2d(untracked("packed conv2d", x), packed_, kernel_, kernel_, stride_, padding_);
    return conv2d(x, as<X>(weight), bias.value.size() > 0 ? as<X>(bias) : X(Tensor()), stride_, padding_);
  }
  /// For inference, as Linear's.
  void pack();

  Parameter weight, bias;

 private:
  Index kernel_, stride_, padding_;
  PackedLinear packed_;
};

}  // namespace fu
