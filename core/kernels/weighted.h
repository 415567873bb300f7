// Two inner loops behind every pooling and per-pixel convolution: a weighted sum of feature vectors, and the products of one with several.
// Both take a flat list of places, because a flat loop runs at the speed of its loads, where nested loops of 7 lose a third of it.
#pragma once

#include "core/kernels/simd.h"

namespace fu::FU_ISA {

constexpr Index kSumVectors = 12;  // accumulators of a weighted sum: enough to hide the latency of multiply-add
constexpr Index kSumChunk = kSumVectors * kLanes;

template <Index VECTORS>
static inline void weighted_vectors(Index n, const real* __restrict weight, const Index* __restrict offset, const real* __restrict x, real* y) {
  Vec acc[VECTORS];
#pragma GCC unroll 12
  for (Index j = 0; j < VECTORS; ++j) acc[j] = Vec{};
  for (Index t = 0; t < n; ++t) {
    const real* in = x + offset[t];
    const real w = weight[t];
#pragma GCC unroll 12
    for (Index j = 0; j < VECTORS; ++j) acc[j] += w * load(in + j * kLanes);
  }
#pragma GCC unroll 12
  for (Index j = 0; j < VECTORS; ++j) store(y + j * kLanes, acc[j]);
}

/// y[i] = sum over t < n of weight[t] * x[offset[t] + i] for channels i in [begin, end) of c. Call it for chunks of kSumChunk channels, all
/// places of a small region in turn, so that what they share stays in the first-level cache.
static inline void weighted_sum(Index n, const real* weight, const Index* offset, const real* x, Index begin, Index end, Index c, real* y) {
  Index i = begin;
  for (; end - i >= kSumChunk; i += kSumChunk) weighted_vectors<kSumVectors>(n, weight, offset, x + i, y + i);
  for (; end - i >= 4 * kLanes; i += 4 * kLanes) weighted_vectors<4>(n, weight, offset, x + i, y + i);
  if (end - i >= 2 * kLanes) weighted_vectors<2>(n, weight, offset, x + i, y + i), i += 2 * kLanes;
  if (end - i >= kLanes) weighted_vectors<1>(n, weight, offset, x + i, y + i), i += kLanes;
  if (i >= end) return;
  if (c >= kLanes) return weighted_vectors<1>(n, weight, offset, x + c - kLanes, y + c - kLanes);  // once more some that are done
  Vec acc{};
  for (Index t = 0; t < n; ++t) acc += weight[t] * load_n(x + offset[t], c);
  store_n(y, acc, c);
}

typedef IntLane LaneIndex __attribute__((vector_size(FU_VECTOR_BYTES)));

/// Lanes 2i: a[i] + a[i + L/2]; lanes 2i + 1: b alike. Applied log2(L) times to L vectors it leaves their L sums in one.
static inline Vec fold_pair(Vec a, Vec b) {
  LaneIndex low{}, high{};
  for (Index i = 0; i < kLanes / 2; ++i) {
    low[2 * i] = static_cast<IntLane>(i);
    low[2 * i + 1] = static_cast<IntLane>(kLanes + i);
    high[2 * i] = static_cast<IntLane>(kLanes / 2 + i);
    high[2 * i + 1] = static_cast<IntLane>(kLanes + kLanes / 2 + i);
  }
  return __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, high);
}

/// out[t] = sum over i < c of dy[i] * x[offset[t] + i], t < n.
static inline void dot_products(Index n, const Index* __restrict offset, const real* __restrict x, const real* __restrict dy, Index c,
                                real* __restrict out) {
  const Index whole = c / kLanes * kLanes;
  // The last channels: a vector that ends with them, its lanes that were already counted set to 0.
  Vec tail = c >= kLanes ? load(dy + c - kLanes) : load_n(dy, c);
  if (c >= kLanes)
    for (Index i = 0; i < kLanes - (c - whole); ++i) tail[i] = 0;
  for (Index t0 = 0; t0 < n; t0 += kLanes) {
    const real* in[kLanes];
    for (Index t = 0; t < kLanes; ++t) in[t] = x + offset[imin(t0 + t, n - 1)];
    Vec acc[kLanes];
#pragma GCC unroll 16
    for (Index t = 0; t < kLanes; ++t) acc[t] = Vec{};
    for (Index i = 0; i < whole; i += kLanes) {
      const Vec v = load(dy + i);
#pragma GCC unroll 16
      for (Index t = 0; t < kLanes; ++t) acc[t] += v * load(in[t] + i);
    }
    if (whole < c)
      for (Index t = 0; t < kLanes; ++t) acc[t] += tail * (c >= kLanes ? load(in[t] + c - kLanes) : load_n(in[t], c));
#pragma GCC unroll 4
    for (Index step = kLanes / 2; step > 0; step /= 2)
#pragma GCC unroll 8
      for (Index t = 0; t < step; ++t) acc[t] = fold_pair(acc[t], acc[t + step]);
    store_n(out + t0, acc[0], n - t0);
  }
}

}  // namespace fu::FU_ISA
