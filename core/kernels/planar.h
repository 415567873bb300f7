// Small dense layers on planes: y[o] = act(sum_i w[i,o] x[i] + bias[o]) for many pixels at once.
//
// x (n_in, stride) holds one plane an input and one pixel a lane. So a layer of 49 outputs computes 49, not the next
// multiple of a vector, and softmax needs no sums across lanes.
#pragma once

#include "core/kernels/math.h"

namespace fu::FU_ISA {

static_assert(kPlanarRows <= 13, "planar_rows lists 13 heights");

/// ROWS outputs of VECTORS vectors of pixels. gelu: y = gelu(sum); add: y += sum.
template <Index ROWS, Index VECTORS>
static inline void planar_block(const real* __restrict x, Index stride, Index n_in, const real* __restrict w,
                                Index n_out, const real* bias, bool gelu, bool add, real* y, Index y_stride) {
  Vec acc[ROWS][VECTORS];
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) acc[i][j] = splat(bias[i]);
  for (Index p = 0; p < n_in; ++p) {
    Vec v[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) v[j] = load(x + p * stride + j * kLanes);
    const Factors<ROWS> weights(w + p * n_out);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) {
      const real weight = weights[i];
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j) acc[i][j] += weight * v[j];
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) {
      real* out = y + i * y_stride + j * kLanes;
      store(out, add ? load(out) + acc[i][j] : acc[i][j]);
    }
  if (!gelu) return;
  for (Index i = 0; i < ROWS; ++i)
    for (Index j = 0; j < VECTORS; ++j) {
      real* out = y + i * y_stride + j * kLanes;
      store(out, vgelu(load(out)));
    }
}

/// `count` blocks of ROWS outputs each; nothing where ROWS is more than the target's registers hold.
template <Index ROWS, Index VECTORS>
static inline void planar_blocks(Index count, const real* x, Index stride, Index n_in, const real* w, Index n_out,
                                 const real* bias, bool gelu, bool add, real* y, Index y_stride) {
  if constexpr (ROWS <= kPlanarRows)
    for (Index i = 0; i < count * ROWS; i += ROWS)
      planar_block<ROWS, VECTORS>(x, stride, n_in, w + i, n_out, bias + i, gelu, add, y + i * y_stride, y_stride);
}

template <Index VECTORS>
static inline void planar_rows(const real* x, Index stride, Index n_in, const real* w, Index n_out, const real* bias,
                               bool gelu, bool add, real* y, Index y_stride) {
  // Blocks of nearly equal height, the lower ones first. With full blocks and a rest, a rest of one row would wait for
  // the latency of its own multiply-adds.
  const Index blocks = ceil_div(n_out, kPlanarRows), higher = n_out % blocks, low = n_out / blocks;
  for (Index part = 0, o = 0; part < 2; ++part) {
    const Index rows = low + part, count = part ? higher : blocks - higher;
    switch (rows) {
#define FU_ROWS(N)                                                                                                    \
  case N:                                                                                                             \
    planar_blocks<N, VECTORS>(count, x, stride, n_in, w + o, n_out, bias + o, gelu, add, y + o * y_stride, y_stride); \
    break;
      // clang-format off
      FU_ROWS(1) FU_ROWS(2) FU_ROWS(3) FU_ROWS(4) FU_ROWS(5) FU_ROWS(6) FU_ROWS(7) FU_ROWS(8) FU_ROWS(9) FU_ROWS(10)
      FU_ROWS(11) FU_ROWS(12) FU_ROWS(13)
#undef FU_ROWS
      // clang-format on
    }
    o += rows * count;
  }
}

/// y (n_out, y_stride) = act(w^T x + bias), or y += w^T x + bias, over the first `pixels` lanes (rounded up to whole
/// vectors) of x (n_in, stride); w (n_in, n_out).
static inline void planar_linear(const real* x, Index stride, Index n_in, const real* w, Index n_out, const real* bias,
                                 bool gelu, bool add, Index pixels, real* y, Index y_stride) {
  Index p = 0;
  for (; p + kLanes < pixels; p += 2 * kLanes)
    planar_rows<2>(x + p, stride, n_in, w, n_out, bias, gelu, add, y + p, y_stride);
  if (p < pixels) planar_rows<1>(x + p, stride, n_in, w, n_out, bias, gelu, add, y + p, y_stride);
}

}  // namespace fu::FU_ISA
