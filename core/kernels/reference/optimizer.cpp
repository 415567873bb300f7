// Definitions of the steps of optimizers.
#include "core/kernels/reference/reference.h"

namespace fu {

void sgd_step_ref(real* p, const real* g, real* velocity, Index n, real lr, real momentum, real weight_decay) {
  for (Index i = 0; i < n; ++i) {
    velocity[i] = momentum * velocity[i] + g[i] + weight_decay * p[i];
    p[i] -= lr * velocity[i];
  }
}

void adam_step_ref(real* p, const real* g, real* mean, real* square, Index n, const AdamArgs& a) {
  for (Index i = 0; i < n; ++i) {
    const real at = p[i] * a.keep, grad = g[i] + a.weight_decay * at;
    mean[i] = a.beta1 * mean[i] + (1 - a.beta1) * grad;
    square[i] = a.beta2 * square[i] + (1 - a.beta2) * grad * grad;
    p[i] = at - (a.from_mean * mean[i] + a.from_gradient * grad) / (std::sqrt(square[i] * a.unbias) + a.eps);
  }
}

}  // namespace fu
