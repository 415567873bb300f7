// Linear layers: most of a network's arithmetic.
#pragma once

#include "layers/module.h"

namespace fu {

/// y = x weight^T + bias over the last axis: x (..,in) -> (..,out). Parameters: weight (out,in), bias (out).
/// @code
/// Random random(1);
/// Linear layer(3, 2, &random);
/// const Tensor x = random.normal({4, 3});
/// const Tensor y = layer(x, Activation::gelu);  // inference: (4,2)
/// Tape tape;
/// backward(mean(layer(Var(x))));                // training: gradients of layer.weight and layer.bias
/// assert(y.dim(1) == 2 && layer.weight.has_grad());
/// @endcode
class Linear : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded. Without `bias`, the parameter has size 0.
  Linear(Index in, Index out, Random* random, bool bias = true, FileLayout layout = FileLayout::same);

  /// y = activation(x weight^T + bias). throws ShapeError; UsageError for a packed layer if x is tracked.
  template <class X>
  X operator()(const X& x, Activation activation = Activation::none) const;
  /// y + (*this)(x): a residual connection. A packed layer writes the sum into y's memory where nobody else needs it.
  template <class X>
  X add_to(X y, const X& x) const;

  /// For inference: packs the weights for the matrix product, multiplied by `scale` (out) where it is given. The
  /// parameters become constants of size 0.
  void pack(const Tensor& scale = Tensor());

  Index in() const { return in_; }
  Index out() const { return out_; }
  Parameter weight, bias;

 private:
  Index in_, out_;
  NarrowMatrix narrow_;  // until it is packed
  PackedLinear packed_;
};

template <class X>
X Linear::operator()(const X& x, Activation activation) const {
  const NameScope scope(registered_name());
  if (packed_.out() > 0) return packed_(untracked("packed linear", x), activation);
  return linear(x, as<X>(weight), bias.value.size() > 0 ? as<X>(bias) : X(Tensor()), activation);
}

template <class X>
X Linear::add_to(X y, const X& x) const {
  Tensor* const sum = packed_.out() > 0 ? reusable(y) : nullptr;
  if (!sum) return y + (*this)(x);
  packed_.add_to(*sum, untracked("packed linear", x));
  return y;
}

}  // namespace fu
