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

void place_rotation_ref(const PlaceRotationArgs& a) {
  const Index half = a.c / 2;
  const std::vector<real> all(a.x, a.x + a.n * a.c);  // y may be x
  for (Index j = 0; j < a.n; ++j)
    for (Index i = 0; i < a.c; ++i) {
      const real* x = all.data() + j * a.c;
      const double rc = double(a.row_cos[i]), rs = double(a.row_sin[i]), cc = double(a.col_cos[j * a.c + i]),
                   cs = double(a.col_sin[j * a.c + i]);
      const double partner = i < half ? -double(x[i + half]) : double(x[i - half]);
      a.y[j * a.c + i] = static_cast<real>(double(x[i]) * (rc * cc - rs * cs) + partner * (rs * cc + rc * cs));
    }
}

}  // namespace fu
