// The inner loop of every matrix product: a tile of MR x NR outputs held in registers while k runs.
//
// Register budget: MR x 2 accumulators, 2 vectors of B, and one broadcast of A (a memory operand where the instruction
// set has one).
//   SSE2 16 registers: 4 x 2 vectors;  AVX2 16: 6 x 2;  AVX-512 32: 12 x 2;  NEON 32: 12 x 2.
#pragma once

#include "core/kernels/math.h"
#include "core/kernels/types.h"

namespace fu::FU_ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index kMicroRows = 12;
#elif defined(__AVX2__)
constexpr Index kMicroRows = 6;
#else
constexpr Index kMicroRows = 4;
#endif
// Longest run of k in one go: a panel of B stays in the first-level cache. Rows of A are laid out at a fixed distance,
// an odd number of cache lines, so that they never compete for the same sets and the compiler can address all of them
// from one register.
constexpr Index kMaxDepth = 384;
constexpr Index kRowStride = kMaxDepth + 16;
constexpr Index kMicroVectors = 2;
constexpr Index kMicroCols = kMicroVectors * kLanes;

/// What happens to a finished tile: c = act(sum + bias), or act(c + sum + bias).
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
  }
  return x;
}

/// Applies the epilogue to a tile of raw sums (rows, kMicroCols) and writes its first `cols` columns to c.
__attribute__((noinline)) static void finish_tile(const real* tile, Index rows, real* c, Index ldc, Index cols,
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
  for (Index p = 0; p < k; ++p) {
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
  // The tile goes through the stack, so that the epilogue can be a loop: unrolled with an activation inside it would
  // dwarf the k loop.
  real tile[ROWS * kMicroCols] __attribute__((aligned(64)));
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) store(tile + i * kMicroCols + j * kLanes, acc[i][j]);
  finish_tile(tile, ROWS, c, ldc, cols, e);
}

/// Copies rows of A, element p of row i at a[i*a_row + p*a_col], to where the inner loop wants them.
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
    // A transposed, as in a gradient of weights: squares of kLanes x kLanes through registers.
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
  // Along a column of A in short runs, so that both sides stay in the cache.
  for (Index i0 = done; i0 < rows; i0 += 16)
    for (Index p = 0; p < k; ++p)
      for (Index i = i0; i < imin(i0 + 16, rows); ++i) copy[i * kRowStride + p] = a[i * a_row + p * a_col];
}

/// The same for 1 <= rows <= kMicroRows.
static inline void micro_tile_rows(Index rows, Index k, const real* a, const real* b, real* c, Index ldc, Index cols,
                                   const Epilogue& e) {
  switch (rows) {
// clang-format off
#define FU_ROWS(N) \
  case N: return micro_tile<N>(k, a, b, c, ldc, cols, e);
    FU_ROWS(1) FU_ROWS(2) FU_ROWS(3) FU_ROWS(4)
#if defined(__AVX2__) || defined(__aarch64__)
    FU_ROWS(5) FU_ROWS(6)
#endif
#if defined(__AVX512F__) || defined(__aarch64__)
    FU_ROWS(7) FU_ROWS(8) FU_ROWS(9) FU_ROWS(10) FU_ROWS(11) FU_ROWS(12)
#endif
#undef FU_ROWS
    // clang-format on
  }
}

}  // namespace fu::FU_ISA
