// Definition of the rotary position embedding.
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

void rotary_embedding_ref(const RotaryArgs& a) {
  const Index half = a.head_dim / 2;
  const std::vector<real> all(a.x, a.x + a.batch * a.tokens * a.channels);  // y may be x
  for (Index t = 0; t < a.batch * a.tokens; ++t)
    for (Index i = 0; i < a.channels; ++i) {
      const real* x = all.data() + t * a.channels;
      double y = double(x[i]);
      if (i < a.heads * a.head_dim) {
        const Index k = i % a.head_dim, angle = t % a.tokens * half + k % half;
        const double partner = k < half ? -double(x[i + half]) : double(x[i - half]);
        y = y * double(a.cosines[angle]) + partner * double(a.sines[angle]) * double(a.direction);
      }
      a.y[t * a.channels + i] = static_cast<real>(y);
    }
}

}  // namespace fu
