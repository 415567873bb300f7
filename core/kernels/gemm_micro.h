// The inner loop of every matrix product: a tile of kMicroRows x kMicroCols outputs stays in registers while k runs.
//
// Registers needed: kMicroRows x kMicroVectors accumulators, kMicroVectors for B, and one for an element of A in all
// lanes; kMicroRows for A where a lane can be a factor, since kLanes steps of k are then loaded at once. Targets state
// the tile that fits.
#pragma once

#include "core/kernels/math.h"
#include "core/kernels/types.h"

namespace fu::FU_ISA {

// Longest run of k at a time: a panel of B of this depth stays in the first-level cache. Rows of A are copied to a
// fixed distance from each other, an odd number of cache lines: then they do not compete for the same cache sets, and
// the compiler addresses all of them from one register.
constexpr Index kMaxDepth = 384;
constexpr Index kRowStride = kMaxDepth + 16;
constexpr Index kMicroCols = kMicroVectors * kLanes;
static_assert(kMicroRows <= 16, "micro_tile_rows lists 16 heights");

/// Rows of B in one block of k: the blocks are of about equal length.
static inline Index depth_block(Index k) {
  const Index blocks = imax(1, ceil_div(k, kMaxDepth));
  return imax(1, round_up(ceil_div(k, blocks), 8));
}

/// What is done to a finished tile of sums: c = act(sum + bias), or c = act(c + sum + bias).
struct Epilogue {
  const real* bias;  // (kMicroCols) of this tile, or null
  Activation activation;
  bool add_c;  // continue the sum that c holds: an earlier part of k, or a residual connection
};

static inline Vec activate(Vec x, Activation a) {
  switch (a) {
    case Activation::none: return x;
    case Activation::relu: return vrelu(x);
    case Activation::gelu: return vgelu(x);
    case Activation::quick_gelu: return vquick_gelu(x);
    case Activation::tanh_gelu: return vtanh_gelu(x);
    case Activation::silu: return vsilu(x);
  }
  return x;
}

/// Applies the epilogue to a tile of sums (rows, kMicroCols) and writes its first `cols` columns to c.
__attribute__((noinline, unused)) static void finish_tile(const real* tile, Index rows, real* c, Index ldc, Index cols,
                                                          const Epilogue& e) {
  for (Index j = 0; j < cols; j += kLanes) {
    const Index n = cols - j;
    const Vec bias = e.bias ? load(e.bias + j) : Vec{};
    for (Index i = 0; i < rows; ++i) {
      real* out = c + i * ldc + j;
      Vec y = load(tile + i * kMicroCols + j);
      if (e.add_c) y += load_n(out, n);
      y = activate(y + bias, e.activation);
      store_n(out, y, n);
    }
  }
}

/// c[i, 0..cols) for i < ROWS from rows of A at a + i*kRowStride and a packed panel of B, (k, kMicroCols); k <=
/// kMaxDepth.
template <Index ROWS>
static inline void micro_tile(Index k, const real* __restrict a, const real* __restrict b, real* c, Index ldc,
                              Index cols, const Epilogue& e) {
  Vec acc[ROWS][kMicroVectors];
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) acc[i][j] = Vec{};
  Index p = 0;
  if constexpr (kLaneFactors)
    for (; p + kLanes <= k; p += kLanes, a += kLanes, b += kLanes * kMicroCols) {
      Vec av[ROWS];
#pragma GCC unroll 16
      for (Index i = 0; i < ROWS; ++i) av[i] = load(a + i * kRowStride);
#pragma GCC unroll 4
      for (Index q = 0; q < kLanes; ++q) {
        Vec bv[kMicroVectors];
#pragma GCC unroll 2
        for (Index j = 0; j < kMicroVectors; ++j) bv[j] = load(b + q * kMicroCols + j * kLanes);
#pragma GCC unroll 16
        for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
          for (Index j = 0; j < kMicroVectors; ++j) acc[i][j] += av[i][q] * bv[j];
      }
    }
  for (; p < k; ++p) {
    Vec bv[kMicroVectors];
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) bv[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) {
      const real ai = a[i * kRowStride];
#pragma GCC unroll 2
      for (Index j = 0; j < kMicroVectors; ++j) acc[i][j] += ai * bv[j];
    }
    ++a;
    b += kMicroCols;
  }
  if (cols == kMicroCols && !e.bias && e.activation == Activation::none) {
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
      for (Index j = 0; j < kMicroVectors; ++j) {
        real* out = c + i * ldc + j * kLanes;
        store(out, e.add_c ? acc[i][j] + load(out) : acc[i][j]);
      }
    return;
  }
  if (cols == kMicroCols && e.bias && (e.activation == Activation::none || e.activation == Activation::relu)) {
    const bool relu = e.activation == Activation::relu;
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) {
      const Vec bias = load(e.bias + j * kLanes);
#pragma GCC unroll 16
      for (Index i = 0; i < ROWS; ++i) {
        real* out = c + i * ldc + j * kLanes;
        const Vec y = (e.add_c ? acc[i][j] + load(out) : acc[i][j]) + bias;
        store(out, relu ? vrelu(y) : y);
      }
    }
    return;
  }
  // The tile goes through memory, so that the epilogue can be a loop. Unrolled, with an activation in each copy, it
  // would be many times larger than the loop over k.
  real tile[ROWS * kMicroCols] __attribute__((aligned(64)));
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) store(tile + i * kMicroCols + j * kLanes, acc[i][j]);
  finish_tile(tile, ROWS, c, ldc, cols, e);
}

/// Copies rows of A, element p of row i at a[i*a_row + p*a_col], into the layout of the inner loop: kRowStride apart.
static inline void copy_rows(const real* a, Index a_row, Index a_col, Index rows, Index k, real* copy) {
  if (a_col == 1) {
    for (Index i = 0; i < rows; ++i) {
      Index p = 0;
      for (; p + kLanes <= k; p += kLanes) store(copy + i * kRowStride + p, load(a + i * a_row + p));
      for (; p < k; ++p) copy[i * kRowStride + p] = a[i * a_row + p];
    }
    return;
  }
  Index done = 0;
  if (a_row == 1) {
    // A is transposed, as in a gradient of weights: squares of kLanes x kLanes are transposed in registers.
    for (; done + kLanes <= rows; done += kLanes) {
      Index p = 0;
      for (; p + kLanes <= k; p += kLanes) {
        Vec square[kLanes];
#pragma GCC unroll 16
        for (Index i = 0; i < kLanes; ++i) square[i] = load(a + done + (p + i) * a_col);
        transpose(square);
#pragma GCC unroll 16
        for (Index i = 0; i < kLanes; ++i) store(copy + (done + i) * kRowStride + p, square[i]);
      }
      for (; p < k; ++p)
        for (Index i = done; i < done + kLanes; ++i) copy[i * kRowStride + p] = a[i + p * a_col];
    }
  }
  // Down each column of A in runs of 16 rows, so that both sides stay in the cache.
  for (Index i0 = done; i0 < rows; i0 += 16)
    for (Index p = 0; p < k; ++p)
      for (Index i = i0; i < imin(i0 + 16, rows); ++i) copy[i * kRowStride + p] = a[i * a_row + p * a_col];
}

/// micro_tile for 1 <= rows <= kMicroRows.
template <Index MOST = kMicroRows>
static inline void micro_tile_rows(Index rows, Index k, const real* a, const real* b, real* c, Index ldc, Index cols,
                                   const Epilogue& e) {
  switch (rows) {
// clang-format off
#define FU_ROWS(N) \
  case N:          \
    if constexpr (N <= MOST) return micro_tile<N>(k, a, b, c, ldc, cols, e); \
    break;
    FU_ROWS(1) FU_ROWS(2) FU_ROWS(3) FU_ROWS(4) FU_ROWS(5) FU_ROWS(6) FU_ROWS(7) FU_ROWS(8) FU_ROWS(9) FU_ROWS(10)
    FU_ROWS(11) FU_ROWS(12) FU_ROWS(13) FU_ROWS(14) FU_ROWS(15) FU_ROWS(16)
#undef FU_ROWS
    // clang-format on
  }
}

}  // namespace fu::FU_ISA
