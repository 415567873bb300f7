#include "layers/conv2d.h"

namespace fu {

Conv2d::Conv2d(Index in, Index out, Index kernel, Random* random, Index stride, Index padding, Index, bool with_bias)
    : weight(uniform_fan_in({out, kernel, kernel, in}, in * kernel * kernel, random)),
      bias(with_bias ? uniform_fan_in({out}, in * kernel * kernel, random) : Tensor()),
      kernel_(kernel),
      stride_(stride),
      padding_(padding) {
  add("weight", weight, FileLayout::conv);
  if (with_bias) add("bias", bias);
}

void Conv2d::pack() {
  if (weight.packed) return;
  const Index out = weight.value.dim(0);
  packed_ = PackedLinear(weight.value.reshape({out, weight.value.size() / out}), bias.value);
  weight.set(Tensor());
  bias.set(Tensor());
  weight.trainable = bias.trainable = false;
  weight.packed = bias.packed = true;
}

}  // namespace fu
