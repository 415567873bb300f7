// One level of the joint bilateral upsampler: what its kernels are given.
#pragma once

#include "core/base.h"

namespace fu {

/// Weights of one level, with n = d*d taps, d = 2*radius + 1, keys of size k and guidance of size g. Matrices are
/// stored (in, out), the transpose of the checkpoint's, because the kernels walk over inputs and want the weights of
/// several outputs side by side.
struct JbuWeights {
  Index radius = 3, key_dim = 32, guidance_dim = 3;
  real temperature = 1;                              // exp(range_temp), within [1e-4, 1e4]
  const real* spatial = nullptr;                     // (n) Gaussian over the neighbourhood
  const real *key0 = nullptr, *key0_bias = nullptr;  // (g,k), (k)
  const real* key3 = nullptr;  // (k,k+1): keys without their bias b, and their product with it, see jbu_key_planes()
  const real *fix0 = nullptr, *fix0_bias = nullptr;  // (n+g,n), (n)
  const real *fix3 = nullptr, *fix3_bias = nullptr;  // (n,n), (n); both already times 0.1
};

/// One level over one image: rows of the output (height, width) = twice the source. Only the rows at hand are in
/// memory: `keys` and `source` point at a first row that need not be row 0.
struct JbuLevelArgs {
  JbuWeights weights;
  Index height = 0, width = 0;  // of the output and the guidance, pixels

  const real* guidance = nullptr;  // (height, width, g)

  // Rows of keys, then guidance, of jbu_key_row(args) reals each, reflected at the borders; the layout is the kernels'
  // own.
  real* keys = nullptr;
  Index key_row0 = 0;  // the output row that keys[0] holds

  const real* source = nullptr;  // (rows, width/2, channels)
  real* out = nullptr;           // (rows, width, channels)
  Index source_row0 = 0, out_row0 = 0, channels = 0;

  // Bicubic x2 of the reflected axes. Along rows, upsampled position y - radius, y in [0, height + 2*radius), is the
  // sum over t < 4 of row_weight[4*y + t] * source row (row_first[y] + t); `first` may point outside the source where
  // the weights are 0. Along columns alike.
  const std::int32_t *row_first = nullptr, *col_first = nullptr;
  const real *row_weight = nullptr, *col_weight = nullptr;
  real* col_fold =
      nullptr;  // jbu_col_fold_size(args) reals, filled by jbu_col_fold: the same for whole vectors of pixels

  real* kernels = nullptr;  // jbu_kernel_rows: (height, width, n)
  real* scratch = nullptr;  // jbu_scratch(args) reals
};

/// Planes of a pixel: k keys q, and b . q. The published keys are q + b, and (q + b) . (q' + b) is q . q' + b . q + b .
/// q' and a constant that softmax ignores. Without it large biases cost no digits: a joint bilateral filter's is 60,
/// its square 3600.
static constexpr Index jbu_key_planes(const JbuWeights& w) { return w.key_dim + 1; }

/// Half width of the neighbourhood in the source that a kernel of this radius on its x2 bicubic enlargement reaches.
static constexpr Index jbu_source_radius(Index radius) { return radius / 2 + 2; }

}  // namespace fu
