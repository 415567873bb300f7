// Activations and dropout as layers, for Sequential.
#pragma once

#include "autograd/ops.h"
#include "layers/module.h"

namespace fu {

/// Any function of one element: Elementwise(Unary::relu).
class Elementwise : public Module {
 public:
  /// Of the functions without parameters: not clamp_min, clamp_max and affine.
  explicit Elementwise(Unary op) : op_(op) {}
  /// x of any shape -> the same.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return unary(op_, x);
  }

 private:
  Unary op_;
};

/// In training: sets elements, or whole channels of an image, to 0 with probability p, and scales the others by
/// 1 / (1 - p). In evaluation: returns x.
class Dropout : public Module {
 public:
  /// channels: whole channels of x (B,..,C), one draw for each image and channel.
  explicit Dropout(real p, bool channels = false) : p_(p), channels_(channels) {}
  /// x of any shape -> the same. throws UsageError in training unless 0 <= p < 1.
  Var operator()(const Var& x) const {
    if (!random_) return x;
    const NameScope scope(registered_name());
    return channels_ ? channel_dropout(x, p_, *random_) : dropout(x, p_, *random_);
  }
  /// throws UsageError in training: it is drawn for values that a tape may record.
  Tensor operator()(const Tensor& x) const {
    require<UsageError>(!random_,
                        "[dropout] a layer in training was given a plain tensor. Give it a Var, or call eval().");
    return x;
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
