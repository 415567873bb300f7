// One step of an optimizer, element by element.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {
constexpr Index kGrain = 1 << 14;
}

void sgd_step(real* p, const real* g, real* velocity, Index n, real lr, real momentum, real weight_decay) {
  parallel_ranges(n, kGrain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += kLanes) {
      const Index lanes = end - i;
      const Vec at = load_n(p + i, lanes),
                v = momentum * load_n(velocity + i, lanes) + load_n(g + i, lanes) + weight_decay * at;
      store_n(velocity + i, v, lanes);
      store_n(p + i, at - lr * v, lanes);
    }
  });
}

void adam_step(real* p, const real* g, real* mean, real* square, Index n, const AdamArgs& a) {
  parallel_ranges(n, kGrain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += kLanes) {
      const Index lanes = end - i;
      const Vec at = load_n(p + i, lanes) * a.keep, grad = load_n(g + i, lanes) + a.weight_decay * at;
      const Vec m = a.beta1 * load_n(mean + i, lanes) + (1 - a.beta1) * grad;
      const Vec s = a.beta2 * load_n(square + i, lanes) + (1 - a.beta2) * grad * grad;
      store_n(mean + i, m, lanes);
      store_n(square + i, s, lanes);
      store_n(p + i, at - (a.from_mean * m + a.from_gradient * grad) / (vsqrt(s * a.unbias) + a.eps), lanes);
    }
  });
}

}  // namespace fu::FU_ISA
