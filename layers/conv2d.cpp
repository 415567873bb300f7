#include "layers/conv2d.h"

namespace fu {

Conv2d::Conv2d(Index in, Index out, Index kernel, Random* random, Index stride, Index padding, Index dilation,
               bool with_bias)
    : weight(uniform_fan_in({out, kernel, kernel, in}, in * kernel * kernel, random)),
      bias(with_bias ? uniform_fan_in({out}, in * kernel * kernel, random) : Tensor()),
      kernel_(kernel),
      stride_(stride),
      padding_(padding),
      dilation_(dilation) {
  add("weight", weight, FileLayout::conv, &narrow_);
  if (with_bias) add("bias", bias);
}

void Conv2d::pack(const Tensor& scale, const Tensor& shift) {
  if (packed_.out() > 0) return;
  Tensor b = bias.value;
  if (scale.size() > 0 && b.size() > 0) b = b * scale;
  if (shift.size() > 0) b = b.size() > 0 ? b + shift : shift;
  packed_ = pack_weight(weight.value, narrow_, scale, b);
  weight.set(Tensor());
  bias.set(Tensor());
  weight.trainable = bias.trainable = false;
  weight.packed = bias.packed = true;
}

DepthwiseConv2d::DepthwiseConv2d(Index channels, Index kernel, Random* random)
    : weight(uniform_fan_in({kernel, kernel, channels}, kernel * kernel, random)),
      bias(uniform_fan_in({channels}, kernel * kernel, random)),
      padding_(kernel / 2) {
  add("weight", weight, FileLayout::depthwise);
  add("bias", bias);
}

}  // namespace fu
