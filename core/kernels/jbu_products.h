// Products of the keys of neighbouring pixels: the logits of a level's range kernel. One pixel a lane.
//
// The product of two pixels' keys is the logit of either for the other. So only half of each neighbourhood is computed,
// the forward neighbours: those to the right in the pixel's own row, and those in the rows below. The other half was
// computed as forward neighbours of earlier pixels. A ring buffer keeps the last rows of products.
#pragma once

#include "core/kernels/declare.h"
#include "core/kernels/planar.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

constexpr Index kTile = 32;        // pixels of a row whose weights are computed together
constexpr Index kPairs = 2;        // pairs of rows whose weights are applied together: they share most source rows
constexpr Index kStrip = 128;      // pixels of a task's rows
constexpr Index kTaskRows = 16;    // rows of a task
constexpr Index kRingBorder = 16;  // pixels beside the strip with forward neighbours in it, on either side
constexpr Index kRingWidth = kStrip + 2 * kRingBorder;
constexpr Index kMaxRadius = 5;
constexpr Index kMaxDiameter = 2 * kMaxRadius + 1;
constexpr Index kMaxKeyDim = 64, kMaxGuidance = 8;
static_assert(kTile % kLanes == 0 && kStrip % kTile == 0 && kRingBorder % kLanes == 0, "whole vectors");
static_assert(kTaskRows % (2 * kPairs) == 0, "whole groups of rows");

// Rows of keys are stored as tiles with borders, (tiles, jbu_key_planes + g, key_tile), so that all planes of a tile
// and its neighbours are one contiguous piece.
static Index key_tile(const JbuWeights& w) { return round_up(kTile + 2 * w.radius, kLanes); }

/// The tile of pixel x0, a multiple of kTile; its first column is pixel x0 - radius.
static const real* key_row(const JbuLevelArgs& l, Index y, Index x0) {
  const Index planes = jbu_key_planes(l.weights) + l.weights.guidance_dim;
  return l.keys + (reflect(y, l.height) - l.key_row0) * jbu_key_row(l) + x0 / kTile * planes * key_tile(l.weights);
}

/// The output of a task: rows [y0, y1), pixels [x0, x1), x0 a multiple of kTile.
struct Strip {
  Index y0, y1, x0, x1;
};

/// The tasks that rows [row_begin, row_end) are cut into.
struct Strips {
  Index row_begin, row_end, width, rows, across, count;
  Strips(Index begin, Index end, Index image_width)
      : row_begin(begin), row_end(end), width(image_width), across(ceil_div(image_width, kStrip)) {
    // Strips of few rows compute more products twice, at their upper borders. Few strips of many rows leave threads
    // idle.
    rows = kTaskRows;
    while (rows > 2 * kPairs && ceil_div(end - begin, rows) * across < 4 * threads()) rows /= 2;
    count = ceil_div(end - begin, rows) * across;
  }
  Strip operator[](Index i) const {
    const Index y0 = row_begin + i / across * rows, x0 = i % across * kStrip;
    return {y0, imin(y0 + rows, row_end), x0, imin(x0 + kStrip, width)};
  }
};

/// logits[t] = sum over c < key_dim of own[c] * other[c][+t], plus own + other[+t] of the last plane, for TAPS
/// neighbours in a row and VECTORS vectors of pixels. Keys are planes, so the neighbour t to the right is a load
/// shifted by t.
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
    for (Index t = 0; t < TAPS; ++t)
      store(logits + t * kRingWidth + i * kLanes, acc[i][t] + (load(own + i * kLanes) + load(other + i * kLanes + t)));
}

/// key_products for any number of neighbours, up to seven at a time.
template <Index VECTORS>
static inline void key_row_products(const real* own, const real* other, Index plane, Index key_dim, Index taps,
                                    real* logits) {
  for (Index t = 0; t < taps; t += 7) {
    real* out = logits + t * kRingWidth;
    switch (imin(7, taps - t)) {
      case 1: key_products<1, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 2: key_products<2, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 3: key_products<3, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 4: key_products<4, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 5: key_products<5, VECTORS>(own, other + t, plane, key_dim, out); break;
      case 6: key_products<6, VECTORS>(own, other + t, plane, key_dim, out); break;
      default: key_products<7, VECTORS>(own, other + t, plane, key_dim, out); break;
    }
  }
}

/// The ring buffer of a strip's products: rows of (forward neighbours, kRingWidth). The forward neighbours are (0, v),
/// v = 0 .. r, then (u, v), u = 1 .. r, v = -r .. r.
class Products {
 public:
  Products(const JbuLevelArgs& l, const Strip& strip, real* ring)
      : l_(l), strip_(strip), ring_(ring), next_(strip.y0 - l.weights.radius) {}

  static Index ring_rows(const JbuWeights& w) { return 2 * kPairs + w.radius; }
  static Index ring_size(const JbuWeights& w) {
    return ring_rows(w) * (w.radius + 1 + w.radius * (2 * w.radius + 1)) * kRingWidth;
  }

  /// Computes the rows up to `end`. The buffer keeps the last ring_rows() of them.
  void advance(Index end) {
    for (; next_ < end; ++next_) row(next_);
  }

  /// Pointers to the logits of row y's pixels from x on, one for each of the d*d taps.
  void taps(Index y, Index x, const real** tap) const {
    const Index r = l_.weights.radius;
    for (Index u = -r; u <= r; ++u)
      for (Index v = -r; v <= r; ++v) {
        const bool forward = u > 0 || (u == 0 && v >= 0);
        *tap++ = forward ? at(y, u, v) + x - strip_.x0 : at(y + u, -u, -v) + x + v - strip_.x0;
      }
  }

 private:
  /// The products of row y with its neighbour (u, v), at the strip's first pixel.
  real* at(Index y, Index u, Index v) const {
    const Index r = l_.weights.radius, neighbours = r + 1 + r * (2 * r + 1);
    const Index slot = (y - strip_.y0 + r) % ring_rows(l_.weights),
                f = u == 0 ? v : r + 1 + (u - 1) * (2 * r + 1) + v + r;
    return ring_ + (slot * neighbours + f) * kRingWidth + kRingBorder;
  }

  void row(Index y) const {
    const Index r = l_.weights.radius, k = l_.weights.key_dim, plane = key_tile(l_.weights);
    // Of rows above the strip, only the products with rows of the strip are used.
    for (Index u = imax(0, strip_.y0 - y); u <= r; ++u) {
      // Left border: pixels x0 - r .. x0 - 1 with neighbours to their right. Surplus lanes are overwritten below.
      const real *own = key_row(l_, y, strip_.x0), *other = key_row(l_, y + u, strip_.x0);
      for (Index p = 0; p < r; p += kLanes)
        key_row_products<1>(own + p, other + p + 1, plane, k, r, at(y, u, 1) - r + p);

      const Index v0 = u == 0 ? 0 : -r;
      for (Index x0 = strip_.x0; x0 < strip_.x1; x0 += kTile) {
        own = key_row(l_, y, x0) + r;
        other = key_row(l_, y + u, x0) + r + v0;
        const Index pixels = imin(kTile, strip_.x1 - x0);
        real* out = at(y, u, v0) + x0 - strip_.x0;
        Index p = 0;
        for (; p + kLanes < pixels; p += 2 * kLanes)
          key_row_products<2>(own + p, other + p, plane, k, r - v0 + 1, out + p);
        if (p < pixels) key_row_products<1>(own + p, other + p, plane, k, r - v0 + 1, out + p);
      }
      if (u == 0) continue;
      // Right border: pixels x1 .. x1 + r - 1, from the border of the last tile, with neighbours to their left.
      const Index x0 = (strip_.x1 - 1) / kTile * kTile, first = strip_.x1 - x0 + r;
      own = key_row(l_, y, x0) + first;
      other = key_row(l_, y + u, x0) + first - r;
      for (Index p = 0; p < r; p += kLanes)
        key_row_products<1>(own + p, other + p, plane, k, r, at(y, u, -r) + strip_.x1 - strip_.x0 + p);
    }
  }

  const JbuLevelArgs& l_;
  const Strip strip_;
  real* ring_;
  Index next_;
};

}  // namespace fu::FU_ISA
