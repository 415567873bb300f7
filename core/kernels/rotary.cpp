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

void place_rotation(const PlaceRotationArgs& a) {
  const Index half = a.c / 2;
  for (Index j = 0; j < a.n; ++j) {
    const real *x = a.x + j * a.c, *col_cos = a.col_cos + j * a.c, *col_sin = a.col_sin + j * a.c;
    real* y = a.y + j * a.c;
    for (Index i = 0; i < half; i += kLanes) {
      const Index lanes = half - i;
      Vec cosines[2], sines[2], in[2];
      for (Index part = 0; part < 2; ++part) {
        const Index at = part * half + i;
        const Vec rc = load_n(a.row_cos + at, lanes), rs = load_n(a.row_sin + at, lanes),
                  cc = load_n(col_cos + at, lanes), cs = load_n(col_sin + at, lanes);
        cosines[part] = rc * cc - rs * cs;
        sines[part] = rs * cc + rc * cs;
        in[part] = load_n(x + at, lanes);
      }
      store_n(y + i, in[0] * cosines[0] - in[1] * sines[0], lanes);
      store_n(y + half + i, in[1] * cosines[1] + in[0] * sines[1], lanes);
    }
  }
}

}  // namespace fu::FU_ISA
