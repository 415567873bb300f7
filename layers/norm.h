// Normalisation along channels, the last axis.
#pragma once

#include "layers/module.h"

namespace fu {

/// Each vector to mean 0 and variance 1, then scaled and shifted. Parameters: weight, bias (C). source: arXiv
/// 1607.06450
/// @code
/// const LayerNorm norm(2);
/// const Tensor y = norm(Tensor::from({1, 2}, {3, 7}));  // mean 5, deviation 2: -1 and 1
/// assert(std::abs(y.data()[1] - 1) < 1e-4);
/// @endcode
class LayerNorm : public Module {
 public:
  /// weight 1, bias 0. eps: added to the variance.
  explicit LayerNorm(Index channels, real eps = real(1e-5))
      : weight(Tensor::full({channels}, 1)), bias(Tensor::zeros({channels})), eps_(eps) {
    add("weight", weight);
    add("bias", bias);
  }
  /// x (..,C) -> the same. throws ShapeError for another number of channels.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return layer_norm(x, as<X>(weight), as<X>(bias), eps_);
  }

  Parameter weight, bias;

 private:
  real eps_;
};

/// Each image's groups of neighbouring channels to mean 0 and variance 1 over their pixels, then scaled and shifted.
/// Parameters: weight, bias (C). source: arXiv 1803.08494
class GroupNorm : public Module {
 public:
  /// weight 1, bias 0. eps: added to the variance.
  GroupNorm(Index groups, Index channels, real eps = real(1e-5))
      : weight(Tensor::full({channels}, 1)), bias(Tensor::zeros({channels})), groups_(groups), eps_(eps) {
    add("weight", weight);
    add("bias", bias);
  }
  /// x (B,..,C) -> the same. throws ShapeError for another number of channels, or one that groups do not divide.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return group_norm(x, as<X>(weight), as<X>(bias), groups_, eps_);
  }
  Index groups() const { return groups_; }
  real eps() const { return eps_; }

  Parameter weight, bias;

 private:
  Index groups_;
  real eps_;
};

/// Each vector to a mean square of 1, then scaled. Parameter: weight (C). source: arXiv 1910.07467
class RmsNorm : public Module {
 public:
  /// weight 1. eps: added to the mean square.
  explicit RmsNorm(Index channels, real eps) : weight(Tensor::full({channels}, 1)), eps_(eps) { add("weight", weight); }
  /// x (..,C) -> the same. throws ShapeError for another number of channels.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return rms_norm(x, as<X>(weight), eps_);
  }
  real eps() const { return eps_; }

  Parameter weight;

 private:
  real eps_;
};

}  // namespace fu
