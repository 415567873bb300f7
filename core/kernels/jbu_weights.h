// The weights that a level gives to the neighbours of every pixel: softmax of the products of keys, times the spatial
// Gaussian, normalised, plus the output of the fix-up network. One pixel a lane.
#pragma once

#include "core/kernels/jbu_products.h"

namespace fu::FU_ISA {

/// Turns logits (d*d rows of pixels) into range kernel times spatial kernel, normalised, and appends the guidance.
static void normalize_kernels(const JbuWeights& w, const real* const* logits, const real* guidance, Index plane,
                              Index pixels, real* weights) {
  const Index taps = (2 * w.radius + 1) * (2 * w.radius + 1);
  const real scale = w.temperature * static_cast<real>(1.4426950408889634074);  // exp(t x) = 2^(t x / ln 2)
  for (Index p = 0; p < pixels; p += kLanes) {
    real* k = weights + p;
    Vec top = load(logits[0] + p);
    for (Index t = 1; t < taps; ++t) top = vmax(load(logits[t] + p), top);
    Vec total{}, spatial_total{};
    for (Index t = 0; t < taps; ++t) {
      const Vec e = vexp2_negative(scale * (load(logits[t] + p) - top));
      const Vec es = e * w.spatial[t];
      total += e;
      spatial_total += es;
      store(k + t * kTile, es);
    }
    // The definition is range * spatial / max(sum of it, 1e-7) with range = e / total. This is the same with one
    // division.
    const Vec norm = 1 / vmax(spatial_total, total * static_cast<real>(1e-7));
    for (Index t = 0; t < taps; ++t) store(k + t * kTile, load(k + t * kTile) * norm);
    for (Index g = 0; g < w.guidance_dim; ++g) store(k + (taps + g) * kTile, load(guidance + g * plane + p));
  }
}

/// The kernels of pixels [x0, x0 + pixels) of row y, whose products are in the ring: weights (d*d, kTile), followed by
/// room for g rows of guidance, which the fix-up network reads too. hidden (d*d, kTile) is scratch.
static void make_kernels(const JbuLevelArgs& l, const Products& products, Index y, Index x0, Index pixels,
                         real* weights, real* hidden) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, taps = (2 * r + 1) * (2 * r + 1), plane = key_tile(w);
  const real* logits[kMaxDiameter * kMaxDiameter];
  products.taps(y, x0, logits);
  normalize_kernels(w, logits, key_row(l, y, x0) + r + jbu_key_planes(w) * plane, plane, pixels, weights);
  planar_linear(weights, kTile, taps + w.guidance_dim, w.fix0, taps, w.fix0_bias, true, false, pixels, hidden, kTile);
  planar_linear(hidden, kTile, taps, w.fix3, taps, w.fix3_bias, false, true, pixels, weights, kTile);
}

}  // namespace fu::FU_ISA
