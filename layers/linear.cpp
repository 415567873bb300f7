#include "layers/linear.h"

namespace fu {

Linear::Linear(Index in, Index out, Random* random, bool with_bias, FileLayout layout)
    : weight(uniform_fan_in({out, in}, in, random)),
      bias(with_bias ? uniform_fan_in({out}, in, random) : Tensor()),
      in_(in),
      out_(out) {
  add("weight", weight, layout, &narrow_);
  if (with_bias) add("bias", bias);
}

void Linear::pack(const Tensor& scale) {
  if (packed_.out() > 0) return;
  Tensor b = bias.value;
  if (scale.size() > 0 && b.size() > 0) b = b * scale;
  packed_ = pack_weight(weight.value, narrow_, scale, b);
  weight.set(Tensor());
  bias.set(Tensor());
  weight.trainable = bias.trainable = false;
  weight.packed = bias.packed = true;
}

}  // namespace fu
