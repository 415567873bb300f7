// Arguments of the kernels of one level of the joint bilateral upsampler.
#pragma once

#include "core/base.h"
#include "core/parallel.h"

namespace fu {

/// Weights of one level, with n = d*d taps, d = 2*radius + 1, keys of size k and guidance of size g. Matrices are
/// stored (in, out), the transpose of the checkpoint's: the kernels loop over inputs and read the weights of several
/// outputs side by side.
struct JbuWeights {
  Index radius = 3, key_dim = 32, guidance_dim = 3;
  real temperature = 1;                              // exp(range_temp), within [1e-4, 1e4]
  const real* spatial = nullptr;                     // (n) Gaussian over the neighbourhood
  const real *key0 = nullptr, *key0_bias = nullptr;  // (g,k), (k)
  const real* key3 = nullptr;  // (k,k+1): keys without their bias b, and their product with it, see jbu_key_planes()
  const real *fix0 = nullptr, *fix0_bias = nullptr;  // (n+g,n), (n)
  const real *fix3 = nullptr, *fix3_bias = nullptr;  // (n,n), (n); both already times 0.1
};

/// One level over one image: the output (height, width) has twice the source's size. Only some rows are in memory at a
/// time: the first rows of `keys`, `source` and `out` are key_row0, source_row0 and out_row0.
struct JbuLevelArgs {
  JbuWeights weights;
  Index height = 0, width = 0;  // of the output and the guidance, pixels

  const real* guidance = nullptr;  // (height, width, g)

  // Rows of jbu_key_row(args) reals: keys and guidance of the row's pixels and of its reflected borders. Each target
  // has its own layout.
  real* keys = nullptr;
  Index key_row0 = 0;

  const real* source = nullptr;  // (rows, width/2, channels)
  real* out = nullptr;           // (rows, width, channels)
  Index source_row0 = 0, out_row0 = 0, channels = 0;

  // Bicubic x2 of the reflected axes. Along rows, upsampled position y - radius, y in [0, height + 2*radius), is the
  // sum over t < 4 of row_weight[4*y + t] * source row (row_first[y] + t); `first` may point outside the source where
  // the weights are 0. Along columns alike.
  const std::int32_t *row_first = nullptr, *col_first = nullptr;
  const real *row_weight = nullptr, *col_weight = nullptr;
  real* col_fold = nullptr;  // jbu_col_fold_size(args) reals, filled by jbu_col_fold: the columns' weights in vectors

  real* kernels = nullptr;  // jbu_kernel_rows: (height, width, n)
  real* scratch = nullptr;  // jbu_scratch(args) reals
  int workers = threads();  // threads that take part at most; scratch has room for so many
};

/// Planes of keys of a pixel: its k keys q without their bias b, and the product b . q. The published keys are q + b.
/// Their product is (q + b) . (q' + b) = q . q' + b . q + b . q' + |b|^2, and softmax ignores the constant |b|^2. To
/// leave it out keeps digits: a joint bilateral filter has a bias of 60, and its square 3600 would cost three of them.
static constexpr Index jbu_key_planes(const JbuWeights& w) { return w.key_dim + 1; }

/// Radius in the source of the neighbourhood that a kernel of this radius on the x2 bicubic enlargement reaches.
static constexpr Index jbu_source_radius(Index radius) { return radius / 2 + 2; }

}  // namespace fu
