// Convolution over images.
#pragma once

#include "layers/module.h"

namespace fu {

/// x (B,H,W,in) -> (B,Ho,Wo,out), zero padding. Parameters: weight (out,k,k,in), in files (out,in,k,k), and bias (out).
class Conv2d : public Layer {
 public:
  Conv2d(Index in, Index out, Index kernel, Random* random, Index stride = 1, Index padding = 0);
  Var operator()(const Var& x) const override;
  /// For inference, as Linear's.
  void pack();

  Parameter weight, bias;

 private:
  Index kernel_, stride_, padding_;
  PackedLinear packed_;
};

}  // namespace fu
