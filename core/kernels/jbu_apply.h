// Applying the weights of a level: y = sum over a neighbourhood of weight * source.
//
// The output has twice the source's size, so four pixels of it share one source position. They read its neighbourhood
// together: each source vector is loaded once for four outputs.
#pragma once

#include "core/kernels/jbu_weights.h"

namespace fu::FU_ISA {

constexpr Index kMaxWindow = 2 * jbu_source_radius(kMaxRadius) + 1;
constexpr Index kWindowCols = kTile / 2 + kMaxWindow - 1;

/// Four outputs (rows y, y+1; pixels x, x+1) of VECTORS vectors of channels each.
///   window: the source around them, tap t at offset[t];  quads (taps, 4): their weights;  out[i]: where each goes
/// One loop over all taps: two nested loops of 7 are a third slower.
template <Index VECTORS>
static inline void apply_block(const real* __restrict window, const Index* __restrict offset, Index taps,
                               const real* __restrict quads, real* const (&out)[4]) {
  Vec acc[4][VECTORS];
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) acc[i][j] = Vec{};
  for (Index t = 0; t < taps; ++t) {
    const real* in = window + offset[t];
    Vec v[VECTORS];
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) v[j] = load(in + j * kLanes);
    const Factors<4> weights(quads);
#pragma GCC unroll 4
    for (Index i = 0; i < 4; ++i) {
      const real weight = weights[i];
#pragma GCC unroll 6
      for (Index j = 0; j < VECTORS; ++j) acc[i][j] += weight * v[j];
    }
    quads += 4;
  }
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) store(out[i] + j * kLanes, acc[i][j]);
}

/// One tile of the result: rows y to y + 2*pairs, pixels x0 to x0 + pixels.
struct Tile {
  Index y, pairs, x0, pixels;
  Index rows, cols;     // of its window in the source
  const Index* places;  // (rows, cols): where each pixel of the window lies in the source
  const real* quads;    // (pairs, kTile/2, s*s, 4)
  real* window;         // room for (rows, kWindowCols, kApplyVectors*kLanes)
};

/// Channels [c0, c0 + VECTORS*kLanes), those that there are, of a tile.
template <Index VECTORS>
static void apply_channels(const JbuLevelArgs& l, const Tile& tile, Index c0) {
  const Index s = 2 * jbu_source_radius(l.weights.radius) + 1, step = VECTORS * kLanes,
              count = imin(step, l.channels - c0);
  // The slice of the neighbourhood's channels is copied together. In the source its vectors are a whole pixel apart,
  // often a multiple of 4096 bytes, and such addresses compete for the same cache sets.
  const Index* place = tile.places;
  for (Index a = 0; a < tile.rows; ++a) {
    real* to = tile.window + a * kWindowCols * step;
    for (Index b = 0; b < tile.cols; ++b, to += step) {
      const real* in = l.source + *place++ + c0;
      if (count == step) {
#pragma GCC unroll 6
        for (Index j = 0; j < VECTORS; ++j) store(to + j * kLanes, load(in + j * kLanes));
      } else {
        for (Index c = 0; c < step; ++c) to[c] = c < count ? in[c] : 0;
      }
    }
  }
  Index offset[kMaxWindow * kMaxWindow];
  for (Index t = 0; t < s * s; ++t) offset[t] = (t / s * kWindowCols + t % s) * step;
  // While these channels are computed, the next ones are prefetched from the second-level cache, some pixels of the
  // window for each quad of outputs.
  const Index quads = tile.pixels / 2, places = tile.rows * tile.cols;
  const Index fetch = c0 + 2 * step <= l.channels ? ceil_div(places, tile.pairs * quads) : 0;
  Index fetched = 0;
  real spill[4][VECTORS * kLanes] __attribute__((aligned(64)));  // where the last channels do not fill their vectors
  for (Index pair = 0; pair < tile.pairs; ++pair) {
    real* even = l.out + ((tile.y + 2 * pair - l.out_row0) * l.width + tile.x0) * l.channels + c0;
    real* odd = even + l.width * l.channels;
    for (Index q = 0; q < quads; ++q, even += 2 * l.channels, odd += 2 * l.channels) {
      for (const Index stop = imin(fetched + fetch, places); fetched < stop; ++fetched) {
        const real* ahead = l.source + tile.places[fetched] + c0 + step;
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + step - 1);
      }
      const real* window = tile.window + (pair * kWindowCols + q) * step;
      const real* weights = tile.quads + (pair * (kTile / 2) + q) * s * s * 4;
      real* const out[4] = {even, even + l.channels, odd, odd + l.channels};
      if (count == step) {
        apply_block<VECTORS>(window, offset, s * s, weights, out);
        continue;
      }
      real* const partial[4] = {spill[0], spill[1], spill[2], spill[3]};
      apply_block<VECTORS>(window, offset, s * s, weights, partial);
      for (Index i = 0; i < 4; ++i)
        for (Index c = 0; c < count; ++c) out[i][c] = spill[i][c];
    }
  }
}

/// Applies the folded weights of a tile, quads (pairs, kTile/2, s*s, 4), to all channels.
static void apply_kernels(const JbuLevelArgs& l, Index y, Index pairs, Index x0, Index pixels, const real* quads,
                          real* window) {
  const Index reach = jbu_source_radius(l.weights.radius), s = 2 * reach + 1, source_h = l.height / 2,
              source_w = l.width / 2;
  Index places[(kMaxWindow + kPairs - 1) * kWindowCols];
  const Tile tile{y, pairs, x0, pixels, s + pairs - 1, pixels / 2 + s - 1, places, quads, window};
  for (Index a = 0; a < tile.rows; ++a)
    for (Index b = 0; b < tile.cols; ++b) {
      // Outside the source every weight is 0, so the nearest pixel inside stands in.
      const Index row = imin(imax(y / 2 + a - reach, 0), source_h - 1) - l.source_row0,
                  col = imin(imax(x0 / 2 + b - reach, 0), source_w - 1);
      places[a * tile.cols + b] = (row * source_w + col) * l.channels;
    }
  // Channels outermost, so that the slice of the window stays in the first-level cache.
  Index c = 0;
  for (; l.channels - c > kLanes; c += kApplyVectors * kLanes) apply_channels<kApplyVectors>(l, tile, c);
  if (l.channels > c) apply_channels<1>(l, tile, c);
}

// With at most this many channels, folding the enlargement into the weights costs more than it saves. Instead the tile
// of the source is enlarged and the d x d kernels are applied to it, one pixel a lane.
constexpr Index kFewChannels = 4;

constexpr Index enlarged_row(Index radius) { return round_up(kTile + 2 * radius, kLanes) + kLanes; }

/// The enlarged source of pixels [x0 - r, x0 + kTile + r) of rows [y - r, y + rows + r), one plane a channel:
/// (channels, rows + 2r, enlarged_row).
static void enlarge_tile(const JbuLevelArgs& l, Index y, Index rows, Index x0, real* enlarged) {
  const Index r = l.weights.radius, source_h = l.height / 2, source_w = l.width / 2, c = l.channels,
              width = enlarged_row(r);
  // Positions count from the begin of the reflected border, as in row_first and col_first.
  const Index x_end = imin(x0 + kTile + 2 * r, l.width + 2 * r);
  const Index col0 = imax(0, x0 / 2 - r - 4), cols = imin(source_w, x0 / 2 + kTile / 2 + r + 4) - col0;
  real mixed[(kTile / 2 + 2 * kMaxRadius + 12) * kFewChannels];
  // col_first may point beyond the source, with weights of 0: what is read there must be finite.
  for (Index j = cols * c; j < (cols + 4) * c; ++j) mixed[j] = 0;
  for (Index i = 0; i < rows + 2 * r; ++i) {
    const real* w = l.row_weight + 4 * (y + i);
    for (Index j = 0; j < cols * c; ++j) mixed[j] = 0;
    for (Index t = 0; t < 4; ++t) {
      if (w[t] == 0) continue;
      const Index row = imin(imax(l.row_first[y + i] + t, 0), source_h - 1) - l.source_row0;
      const real* in = l.source + (row * source_w + col0) * c;
      for (Index j = 0; j < cols * c; ++j) mixed[j] += w[t] * in[j];
    }
    for (Index k = 0; k < c; ++k) {
      real* out = enlarged + (k * (rows + 2 * r) + i) * width;
      for (Index x = x0; x < x_end; ++x) {
        const real *in = mixed + (l.col_first[x] - col0) * c + k, *weight = l.col_weight + 4 * x;
        out[x - x0] = weight[0] * in[0] + weight[1] * in[c] + weight[2] * in[2 * c] + weight[3] * in[3 * c];
      }
      for (Index x = x_end - x0; x < width; ++x) out[x] = 0;
    }
  }
}

/// Row y + i of the result, from its kernels, weights (d*d, kTile), and the enlarged tile that begins at row y.
static void apply_few(const JbuLevelArgs& l, Index y, Index i, Index rows, Index x0, Index pixels, const real* weights,
                      const real* enlarged) {
  const Index r = l.weights.radius, d = 2 * r + 1, width = enlarged_row(r);
  for (Index k = 0; k < l.channels; ++k)
    for (Index p = 0; p < pixels; p += kLanes) {
      Vec total[2] = {};
      for (Index u = 0; u < d; ++u) {
        const real* in = enlarged + (k * (rows + 2 * r) + i + u) * width + p;
        const real* w = weights + u * d * kTile + p;
        for (Index v = 0; v < d; ++v) total[v & 1] += load(w + v * kTile) * load(in + v);
      }
      const Vec sum = total[0] + total[1];
      real* out = l.out + ((y + i - l.out_row0) * l.width + x0 + p) * l.channels + k;
      for (Index t = 0; t < imin(kLanes, pixels - p); ++t) out[t * l.channels] = sum[t];
    }
}

}  // namespace fu::FU_ISA
