// Activations and dropout as layers, for Sequential.
#pragma once

#include "layers/module.h"

namespace fu {

/// Any function of one element: Elementwise(Unary::relu).
class Elementwise : public Layer {
 public:
  explicit Elementwise(Unary op) : op_(op) {}
  Var operator()(const Var& x) const override { return unary(op_, x); }

 private:
  Unary op_;
};

/// In training, zeroes elements, or whole channels of an image, with probability p, and scales the others by 1 / (1 -
/// p).
class Dropout : public Layer {
 public:
  explicit Dropout(real p, bool channels = false) : p_(p), channels_(channels) {}
  Var operator()(const Var& x) const override {
    if (!random_) return x;
    return channels_ ? channel_dropout(x, p_, *random_) : dropout(x, p_, *random_);
  }
  /// The factors by which n channels of one image are multiplied, drawn as above; of size 0 in evaluation.
  Tensor draw_channels(Index n) const {
    if (!random_) return Tensor();
    Tensor factors = random_->uniform({n}, 0, 1);
    for (Index i = 0; i < n; ++i) factors.data()[i] = factors.data()[i] < p_ ? 0 : 1 / (1 - p_);
    return factors;
  }
  void train(Random& random) override { random_ = &random; }
  void eval() override { random_ = nullptr; }

 private:
  real p_;
  bool channels_;
  Random* random_ = nullptr;
};

}  // namespace fu
