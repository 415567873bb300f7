// Convolutions over images.
#pragma once

#include "layers/module.h"

namespace fu {

/// x (B,H,W,in) -> (B,Ho,Wo,out) with zero padding. Parameters: weight (out,k,k,in), in files (out,in,k,k), and bias
/// (out).
/// @code
/// Random random(1);
/// const Conv2d layer(3, 8, 3, &random, 2, 1);                // 3x3, stride 2, padding 1
/// const Tensor y = layer(random.normal({1, 32, 32, 3}));     // (1,16,16,8)
/// assert(y.dim(1) == 16 && y.dim(3) == 8);
/// @endcode
class Conv2d : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded. dilation: pixels between elements of the kernel.
  Conv2d(Index in, Index out, Index kernel, Random* random, Index stride = 1, Index padding = 0, Index dilation = 1,
         bool bias = true);
  /// activation(convolution). throws ShapeError; UsageError for a packed layer if x is tracked.
  template <class X>
  X operator()(const X& x, Activation activation = Activation::none) const;
  /// activation(y + convolution): a residual connection. A packed layer writes the sum into y's memory where nobody
  /// else needs it.
  template <class X>
  X add_to(X y, const X& x, Activation activation = Activation::none) const;
  /// For inference, as Linear's: weights are multiplied by `scale` (out), and the bias becomes bias * scale + shift.
  void pack(const Tensor& scale = Tensor(), const Tensor& shift = Tensor());

  Parameter weight, bias;

 private:
  template <class X>
  static X activate(const X& x, Activation activation);

  Index kernel_, stride_, padding_, dilation_;
  NarrowMatrix narrow_;  // until it is packed
  PackedLinear packed_;
};

/// A convolution of each channel by itself, x (B,H,W,C) -> (B,H,W,C) with zero padding; k is odd. Parameters: weight
/// (k,k,C), in files (C,1,k,k), and bias (C).
class DepthwiseConv2d : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded.
  DepthwiseConv2d(Index channels, Index kernel, Random* random);
  /// throws ShapeError for another number of channels.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return depthwise_conv2d(x, as<X>(weight), as<X>(bias), padding_);
  }

  Parameter weight, bias;

 private:
  Index padding_;
};

template <class X>
X Conv2d::activate(const X& x, Activation activation) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return unary(Unary::relu, x);
    case Activation::gelu: return unary(Unary::gelu, x);
    case Activation::quick_gelu: return unary(Unary::quick_gelu, x);
    case Activation::tanh_gelu: return unary(Unary::tanh_gelu, x);
    case Activation::silu: return unary(Unary::silu, x);
  }
  return x;
}

template <class X>
X Conv2d::operator()(const X& x, Activation activation) const {
  const NameScope scope(registered_name());
  if (packed_.out() > 0)
    return conv2d(untracked("packed conv2d", x), packed_, kernel_, kernel_, stride_, padding_, dilation_, activation);
  const X b = bias.value.size() > 0 ? as<X>(bias) : X(Tensor());
  return activate(conv2d(x, as<X>(weight), b, stride_, padding_, dilation_), activation);
}

template <class X>
X Conv2d::add_to(X y, const X& x, Activation activation) const {
  Tensor* const sum = packed_.out() > 0 ? reusable(y) : nullptr;
  if (!sum) return activate(y + (*this)(x), activation);
  conv2d_add_to(*sum, untracked("packed conv2d", x), packed_, kernel_, kernel_, stride_, padding_, dilation_,
                activation);
  return y;
}

}  // namespace fu
