// The weights that a level of the upsampler gives to the neighbours of every pixel: products of keys, softmax, spatial Gaussian, fix-up network,
// one pixel a lane.
#pragma once

#include "core/kernels/declare.h"
#include "core/kernels/planar.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

constexpr Index kTile = 32;  // output pixels of a task in a row: two vectors of 16, or four of 8
constexpr Index kPairs = 2;  // pairs of rows of a task: they share most of their source rows
constexpr Index kMaxRadius = 5;
constexpr Index kMaxDiameter = 2 * kMaxRadius + 1;
constexpr Index kMaxKeyDim = 64, kMaxGuidance = 8;
static_assert(kTile % kLanes == 0, "a tile is whole vectors");

static Index reflect(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = (i % period + period) % period;
  return i < n ? i : period - i;
}

/// logits[t] = sum over c of own[c] * other[c][+t] for TAPS neighbours in a row, VECTORS vectors of pixels: keys are planes, so neighbours to
/// the side are shifted loads.
template <Index TAPS, Index VECTORS>
static inline void key_products(const real* own, const real* other, Index plane, Index key_dim, real* logits) {
  Vec acc[VECTORS][TAPS];
#pragma GCC unroll 2
  for (Index i = 0; i < VECTORS; ++i)
#pragma GCC unroll 7
    for (Index t = 0; t < TAPS; ++t) acc[i][t] = Vec{};
#pragma GCC unroll 4
  for (Index c = 0; c < key_dim; ++c) {
#pragma GCC unroll 2
    for (Index i = 0; i < VECTORS; ++i) {
      const Vec key = load(own + i * kLanes);
#pragma GCC unroll 7
      for (Index t = 0; t < TAPS; ++t) acc[i][t] += key * load(other + i * kLanes + t);
    }
    own += plane;
    other += plane;
  }
#pragma GCC unroll 2
  for (Index i = 0; i < VECTORS; ++i)
#pragma GCC unroll 7
    for (Index t = 0; t < TAPS; ++t) store(logits + t * kTile + i * kLanes, acc[i][t]);
}

/// The same for a whole row of d neighbours, up to seven at a time.
template <Index VECTORS>
static inline void key_row_products(const real* own, const real* other, Index plane, Index key_dim, Index d, real* logits) {
  for (Index t = 0; t < d; t += 7) {
    real* out = logits + t * kTile;
    switch (imin(7, d - t)) {
      case 2: key_products<2, VECTORS>(own, other + t, plane, key_dim, out); break;  // 9 = 7 + 2
      case 3: key_products<3, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 4: key_products<4, VECTORS>(own, other + t, plane, key_dim, out); break;  // 11 = 7 + 4
      case 5: key_products<5, VECTORS>(own, other + t, plane, key_dim, out); break;
      default: key_products<7, VECTORS>(own, other + t, plane, key_dim, out); break;
    }
  }
}

// Keys are kept in tiles with their borders, (tile, k + g, key_tile): what a task reads of a row is one contiguous run.
static Index key_tile(const JbuWeights& w) { return round_up(kTile + 2 * w.radius, kLanes); }

static const real* key_row(const JbuLevelArgs& l, Index y, Index x0) {
  const Index planes = l.weights.key_dim + l.weights.guidance_dim;
  return l.keys + (reflect(y, l.height) - l.key_row0) * jbu_key_row(l) + x0 / kTile * planes * key_tile(l.weights);
}

/// Turns logits (d*d, kTile) into range kernel times spatial kernel, normalised, and appends the guidance.
static void normalize_kernels(const JbuWeights& w, const real* guidance, Index plane, Index pixels, real* weights) {
  const Index taps = (2 * w.radius + 1) * (2 * w.radius + 1);
  for (Index p = 0; p < pixels; p += kLanes) {
    real* k = weights + p;
    Vec top = load(k);
    for (Index t = 1; t < taps; ++t) top = vmax(load(k + t * kTile), top);
    Vec total{}, spatial_total{};
    for (Index t = 0; t < taps; ++t) {
      const Vec e = vexp_negative(w.temperature * (load(k + t * kTile) - top));
      const Vec es = e * w.spatial[t];
      total += e;
      spatial_total += es;
      store(k + t * kTile, es);
    }
    // range / max(sum, 1e-7) with range = e / total, in one division.
    const Vec scale = 1 / vmax(spatial_total, total * static_cast<real>(1e-7));
    for (Index t = 0; t < taps; ++t) store(k + t * kTile, load(k + t * kTile) * scale);
    for (Index g = 0; g < w.guidance_dim; ++g) store(k + (taps + g) * kTile, load(guidance + g * plane + p));
  }
}

/// The kernels of pixels [x0, x0 + pixels) of row y: weights[t][x], t < d*d, runs of kTile. `hidden` is room for d*d more runs, and weights
/// has room for g further ones behind its own, which receive the guidance.
static void make_kernels(const JbuLevelArgs& l, Index y, Index x0, Index pixels, real* weights, real* hidden) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, d = 2 * r + 1, taps = d * d, plane = key_tile(w);
  const real* own = key_row(l, y, x0) + r;
  for (Index u = 0; u < d; ++u) {
    const real* other = key_row(l, y + u - r, x0);
    real* logits = weights + u * d * kTile;
    Index p = 0;
    for (; p + kLanes < pixels; p += 2 * kLanes) key_row_products<2>(own + p, other + p, plane, w.key_dim, d, logits + p);
    if (p < pixels) key_row_products<1>(own + p, other + p, plane, w.key_dim, d, logits + p);
  }
  normalize_kernels(w, own + w.key_dim * plane, plane, pixels, weights);
  planar_linear(weights, kTile, taps + w.guidance_dim, w.fix0, taps, w.fix0_bias, true, false, pixels, hidden, kTile);
  planar_linear(hidden, kTile, taps, w.fix3, taps, w.fix3_bias, false, true, pixels, weights, kTile);
}

}  // namespace fu::FU_ISA
