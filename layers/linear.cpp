#include "layers/linear.h"

namespace fu {

Linear::Linear(Index in, Index out, Random* random, bool with_bias, FileLayout layout)
    : weight(uniform_fan_in({out, in}, in, random)),
      bias(with_bias ? uniform_fan_in({out}, in, random) : Tensor()),
      in_(in),
      out_(out) {
  add("weight", weight, layout);
  if (with_bias) add("bias", bias);
}

Var Linear::operator()(const Var& x, Activation activation) const {
  if (packed_.out() > 0) return packed_(untracked("packed linear", x), activation);
  return linear(x, weight, bias.value.size() > 0 ? Var(bias) : Var(Tensor()), activation);
}

Var Linear::add_to(Var y, const Var& x) const {
  if (packed_.out() > 0 && !y.tracked() && y.value.unique()) {
    packed_.add_to(y.value, untracked("packed linear", x));
    return y;
  }
  return y + (*this)(x);
}

void Linear::pack(const Tensor& scale) {
  if (weight.packed) return;
  Tensor w = weight.value, b = bias.value;
  if (scale.size() > 0) {
    w = w * scale.reshape({out_, 1});
    if (b.size() > 0) b = b * scale;
  }
  packed_ = PackedLinear(w, b);
  weight.set(Tensor());
  bias.set(Tensor());
  weight.trainable = bias.trainable = false;
  weight.packed = bias.packed = true;
}

}  // namespace fu
