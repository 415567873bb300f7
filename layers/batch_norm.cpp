#include "layers/batch_norm.h"

namespace fu {

BatchNorm::BatchNorm(Index channels, real eps)
    : weight(Tensor::full({channels}, 1)),
      bias(Tensor::zeros({channels})),
      running_mean(Tensor::zeros({channels})),
      running_var(Tensor::full({channels}, 1)),
      eps_(eps) {
  add("weight", weight);
  add("bias", bias);
  add("running_mean", running_mean);
  add("running_var", running_var);
  running_mean.trainable = running_var.trainable = false;
  running_mean.buffer = running_var.buffer = true;
}

void BatchNorm::fold_into(Conv2d& before) {
  if (folded()) return;
  const Tensor scale = weight.value * inverse_deviation(running_var.value, eps_);
  before.pack(scale, bias.value - running_mean.value * scale);
  for (Parameter* p : {&weight, &bias, &running_mean, &running_var}) {
    p->set(Tensor());
    p->trainable = false;
    p->packed = true;
  }
}

}  // namespace fu
