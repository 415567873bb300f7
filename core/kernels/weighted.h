// Two inner loops behind every pooling and per-pixel convolution: a weighted sum of feature vectors, and the dot
// products of one vector with several. Both take a flat list of places: one flat loop is limited by its loads alone,
// while nested loops over rows and columns of 7 are a third slower.
#pragma once

#include "core/kernels/simd.h"

namespace fu::FU_ISA {

constexpr Index kSumVectors = 12;  // accumulators of a weighted sum: as many as hide the latency of multiply-add
constexpr Index kSumChunk = kSumVectors * kLanes;

/// VECTORS vectors of channels of weighted_sum.
template <Index VECTORS>
static inline void weighted_vectors(Index n, const real* __restrict weight, const Index* __restrict offset,
                                    const real* __restrict x, real* y) {
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

/// y[i] = sum over t < n of weight[t] * x[offset[t] + i] for channels i in [begin, end) of c.
/// Callers take kSumChunk channels at a time and go through all places of a small region with them: what neighbouring
/// places share then stays in the first-level cache.
static inline void weighted_sum(Index n, const real* weight, const Index* offset, const real* x, Index begin, Index end,
                                Index c, real* y) {
  Index i = begin;
  for (; end - i >= kSumChunk; i += kSumChunk) weighted_vectors<kSumVectors>(n, weight, offset, x + i, y + i);
  for (; end - i >= 4 * kLanes; i += 4 * kLanes) weighted_vectors<4>(n, weight, offset, x + i, y + i);
  if (end - i >= 2 * kLanes) weighted_vectors<2>(n, weight, offset, x + i, y + i), i += 2 * kLanes;
  if (end - i >= kLanes) weighted_vectors<1>(n, weight, offset, x + i, y + i), i += kLanes;
  if (i >= end) return;
  // The last whole vector, which computes some channels a second time.
  if (c >= kLanes) return weighted_vectors<1>(n, weight, offset, x + c - kLanes, y + c - kLanes);
  Vec acc{};
  for (Index t = 0; t < n; ++t) acc += weight[t] * load_n(x + offset[t], c);
  store_n(y, acc, c);
}

/// Lane 2i is a[i] + a[i + L/2], lane 2i + 1 is b[i] + b[i + L/2], L = kLanes. Applied in log2(L) rounds to L vectors
/// it leaves their L sums in one vector.
static inline Vec fold_pair(Vec a, Vec b) { return zip_low(a, b) + zip_high(a, b); }

/// out[t] = sum over the lanes of acc[t], t < COUNT.
template <Index COUNT>
static inline void sum_lanes(const Vec (&acc)[COUNT], real* out) {
#pragma GCC unroll 4
  for (Index first = 0; first < COUNT; first += kLanes) {
    Vec part[kLanes];
#pragma GCC unroll 16
    for (Index t = 0; t < kLanes; ++t) part[t] = first + t < COUNT ? acc[imin(first + t, COUNT - 1)] : Vec{};
#pragma GCC unroll 4
    for (Index step = kLanes / 2; step > 0; step /= 2)
#pragma GCC unroll 8
      for (Index t = 0; t < step; ++t) part[t] = fold_pair(part[t], part[t + step]);
    for (Index t = 0; t < imin(kLanes, COUNT - first); ++t) out[first + t] = part[0][t];
  }
}

/// The channels of v (c) behind the last whole vector, as one vector that ends with channel c - 1. Its first lanes
/// repeat channels of the whole vectors before; they are set to 0.
static inline Vec last_channels(const real* v, Index c) {
  if (c < kLanes) return load_n(v, c);
  Vec tail = load(v + c - kLanes);
  for (Index i = 0; i < kLanes - c % kLanes; ++i) tail[i] = 0;
  return tail;
}
/// The same lanes of another vector, not set to 0: the products with the zeros of last_channels vanish.
static inline Vec last_lanes(const real* v, Index c) { return c < kLanes ? load_n(v, c) : load(v + c - kLanes); }

/// out[t] = sum over i < c of dy[i] * x[offset[t] + i], t < COUNT <= kLanes.
template <Index COUNT>
static inline void dot_group(const Index* __restrict offset, const real* __restrict x, const real* __restrict dy,
                             Index c, real* __restrict out) {
  const Index whole = c / kLanes * kLanes;
  const real* in[COUNT];
  for (Index t = 0; t < COUNT; ++t) in[t] = x + offset[t];
  Vec acc[COUNT];
#pragma GCC unroll 16
  for (Index t = 0; t < COUNT; ++t) acc[t] = Vec{};
  for (Index i = 0; i < whole; i += kLanes) {
    const Vec v = load(dy + i);
#pragma GCC unroll 16
    for (Index t = 0; t < COUNT; ++t) acc[t] += v * load(in[t] + i);
  }
  if (whole < c) {
    const Vec tail = last_channels(dy, c);
    for (Index t = 0; t < COUNT; ++t) acc[t] += tail * last_lanes(in[t], c);
  }
  sum_lanes(acc, out);
}

static_assert(kPairTaps <= 7, "dot_pair_row lists 7 counts");

/// Products of two neighbouring pixels, dy and dy + c, with the TAPS neighbours of each: vectors 0 .. TAPS-1 of x for
/// the first, 1 .. TAPS for the second. out, out_next (TAPS). Every vector of x is read once for both.
template <Index TAPS>
static inline void dot_pair(const real* __restrict x, const real* __restrict dy, Index c, real* __restrict out,
                            real* __restrict out_next) {
  const Index whole = c / kLanes * kLanes;
  Vec acc[2 * TAPS];
#pragma GCC unroll 16
  for (Index t = 0; t < 2 * TAPS; ++t) acc[t] = Vec{};
  for (Index i = 0; i < whole; i += kLanes) {
    const Vec first = load(dy + i), second = load(dy + c + i);
#pragma GCC unroll 16
    for (Index t = 0; t <= TAPS; ++t) {
      const Vec v = load(x + t * c + i);
      if (t < TAPS) acc[t] += first * v;
      if (t > 0) acc[TAPS + t - 1] += second * v;
    }
  }
  if (whole < c) {
    const Vec first = last_channels(dy, c), second = last_channels(dy + c, c);
    for (Index t = 0; t <= TAPS; ++t) {
      const Vec v = last_lanes(x + t * c, c);
      if (t < TAPS) acc[t] += first * v;
      if (t > 0) acc[TAPS + t - 1] += second * v;
    }
  }
  real sums[2 * TAPS];
  sum_lanes(acc, sums);
  for (Index t = 0; t < TAPS; ++t) {
    out[t] = sums[t];
    out_next[t] = sums[TAPS + t];
  }
}

/// dot_pair for a row of d neighbours, at most kPairTaps at a time.
template <Index MOST = kPairTaps>
static inline void dot_pair_row(const real* x, const real* dy, Index c, Index d, real* out, real* out_next) {
  for (Index t = 0; t < d;) {
    const Index groups = ceil_div(d - t, kPairTaps), count = ceil_div(d - t, groups);
    switch (count) {
// clang-format off
#define FU_COUNT(N) \
  case N:           \
    if constexpr (N <= MOST) dot_pair<N>(x + t * c, dy, c, out + t, out_next + t); \
    break;
      FU_COUNT(1) FU_COUNT(2) FU_COUNT(3) FU_COUNT(4) FU_COUNT(5) FU_COUNT(6) FU_COUNT(7)
#undef FU_COUNT
      // clang-format on
    }
    t += count;
  }
}

/// out[t] = sum over i < c of dy[i] * x[offset[t] + i], t < n.
static inline void dot_products(Index n, const Index* offset, const real* x, const real* dy, Index c, real* out) {
  Index t = 0;
  for (; t + kLanes <= n; t += kLanes) dot_group<kLanes>(offset + t, x, dy, c, out + t);
  for (; t < n; ++t) dot_group<1>(offset + t, x, dy, c, out + t);
}

}  // namespace fu::FU_ISA
