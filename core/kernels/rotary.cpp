// Rotary position embedding: pairs of channels turned by angles that depend on the token.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

void rotary_embedding(const RotaryArgs& a) {
  const Index half = a.head_dim / 2, rotated = a.heads * a.head_dim;
  parallel_ranges(a.batch * a.tokens, 1 + (1 << 14) / (a.channels + 1), [&](Index begin, Index end) {
    for (Index t = begin; t < end; ++t) {
      const real *cosines = a.cosines + t % a.tokens * half, *sines = a.sines + t % a.tokens * half;
      const real* x = a.x + t * a.channels;
      real* y = a.y + t * a.channels;
      for (Index h = 0; h < a.heads; ++h, x += a.head_dim, y += a.head_dim)
        for (Index i = 0; i < half; i += kLanes) {
          const Index n = half - i;
          const Vec c = load_n(cosines + i, n), s = load_n(sines + i, n) * a.direction;
          const Vec first = load_n(x + i, n), second = load_n(x + half + i, n);
          store_n(y + i, first * c - second * s, n);
          store_n(y + half + i, second * c + first * s, n);
        }
      if (y != x)
        for (Index i = 0; i < a.channels - rotated; i += kLanes)
          store_n(y + i, load_n(x + i, a.channels - rotated - i), a.channels - rotated - i);
    }
  });
}

}  // namespace fu::FU_ISA
