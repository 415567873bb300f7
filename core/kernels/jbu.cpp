// The joint bilateral upsampler's level, fused: from guidance and a small source to the enlarged result, without ever holding the kernels
// of a whole image or the bicubic enlargement.
//
// A task is a pair of output rows times kTile pixels. For each row it makes the 49 weights of every pixel, one pixel a lane: products of
// keys, softmax, spatial Gaussian, fix-up network. Since bicubic enlargement by 2 followed by a 7x7 kernel is, for each of the four
// pixels that share a source position, a 7x7 kernel on the source itself (SPEC section 8, identity 2), it then folds the enlargement into
// the weights, and applies the four kernels to one source neighbourhood together: each source vector is read once for four outputs.
#include "core/kernels/declare.h"
#include "core/kernels/planar.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kTile = 32;       // output pixels of a task in a row: two vectors of 16, or four of 8
constexpr Index kMaxRadius = 5;
constexpr Index kMaxKeyDim = 64;
static_assert(kTile % kLanes == 0, "a tile is whole vectors");

Index reflect(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = (i % period + period) % period;
  return i < n ? i : period - i;
}

/// acc[t] = sum over c of own[c] * other[c][+t] for a row of D neighbours: keys are planes, so neighbours are shifted loads.
template <Index D>
inline void key_products(const real* own, const real* other, Index plane, Index key_dim, real* logits, Index stride) {
  Vec acc[D];
#pragma GCC unroll 16
  for (Index t = 0; t < D; ++t) acc[t] = Vec{};
  for (Index c = 0; c < key_dim; ++c) {
    const Vec key = load(own + c * plane);
#pragma GCC unroll 16
    for (Index t = 0; t < D; ++t) acc[t] += key * load(other + c * plane + t);
  }
#pragma GCC unroll 16
  for (Index t = 0; t < D; ++t) store(logits + t * stride, acc[t]);
}

const real* key_row(const JbuLevelArgs& l, Index plane, Index y) {
  return l.keys + (reflect(y, l.height) - l.key_row0) * (l.weights.key_dim + l.weights.guidance_dim) * plane;
}

/// weights[t][x] of pixels [x0, x0 + pixels) of row y, t < d*d; rows of kTile. `hidden` is room for d*d more rows, and weights has room
/// for g further rows behind its own, which receive the guidance.
void make_kernels(const JbuLevelArgs& l, Index y, Index x0, Index pixels, real* weights, real* hidden) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, d = 2 * r + 1, taps = d * d, plane = jbu_plane(l);
  const real* own = key_row(l, plane, y) + x0 + r;
  for (Index u = 0; u < d; ++u) {
    const real* other = key_row(l, plane, y + u - r) + x0;
    for (Index p = 0; p < pixels; p += kLanes) {
      real* logits = weights + u * d * kTile + p;
      switch (d) {
        case 3: key_products<3>(own + p, other + p, plane, w.key_dim, logits, kTile); break;
        case 5: key_products<5>(own + p, other + p, plane, w.key_dim, logits, kTile); break;
        case 7: key_products<7>(own + p, other + p, plane, w.key_dim, logits, kTile); break;
        case 9: key_products<9>(own + p, other + p, plane, w.key_dim, logits, kTile); break;
        case 11: key_products<11>(own + p, other + p, plane, w.key_dim, logits, kTile); break;
      }
    }
  }
  for (Index p = 0; p < pixels; p += kLanes) {
    real* k = weights + p;
    Vec top = load(k);
    for (Index t = 1; t < taps; ++t) top = vmax(load(k + t * kTile), top);
    Vec total{}, spatial_total{};
    for (Index t = 0; t < taps; ++t) {
      const Vec e = vexp(w.temperature * (load(k + t * kTile) - top));
      const Vec es = e * w.spatial[t];
      total += e;
      spatial_total += es;
      store(k + t * kTile, es);
    }
    // range / max(sum, 1e-7) with range = e / total, in one division.
    const Vec scale = 1 / vmax(spatial_total, total * static_cast<real>(1e-7));
    for (Index t = 0; t < taps; ++t) store(k + t * kTile, load(k + t * kTile) * scale);
    for (Index g = 0; g < w.guidance_dim; ++g) store(k + (taps + g) * kTile, load(own + (w.key_dim + g) * plane + p));
  }
  planar_linear(weights, kTile, taps + w.guidance_dim, w.fix0, taps, w.fix0_bias, true, false, pixels, hidden);
  planar_linear(hidden, kTile, taps, w.fix3, taps, w.fix3_bias, false, true, pixels, weights);
}

/// Folds the enlargement into the kernels of row y: (d,d,kTile) on the enlarged grid to (s,s,kTile) on the source, s = 2*source radius + 1.
/// `half` is room for s*d rows.
void fold_enlargement(const JbuLevelArgs& l, Index y, Index x0, Index pixels, const real* weights, real* half, real* folded) {
  const Index r = l.weights.radius, d = 2 * r + 1, reach = jbu_source_radius(r), s = 2 * reach + 1;
  const Index row_base = y / 2 - reach;
  for (Index i = 0; i < s * d * kTile; ++i) half[i] = 0;
  for (Index i = 0; i < s * s * kTile; ++i) folded[i] = 0;
  // Along rows the four weights are the same for all pixels.
  for (Index u = 0; u < d; ++u) {
    const real* w4 = l.row_weight + 4 * (y + u);
    for (Index t = 0; t < 4; ++t) {
      const Index a = l.row_first[y + u] + t - row_base;
      if (w4[t] == 0) continue;
      for (Index v = 0; v < d; ++v) {
        const real* k = weights + (u * d + v) * kTile;
        real* h = half + (a * d + v) * kTile;
        for (Index p = 0; p < pixels; p += kLanes) store(h + p, load(h + p) + w4[t] * load(k + p));
      }
    }
  }
  // Along columns they alternate with the pixel; collect them a lane each.
  for (Index p = 0; p < pixels; p += kLanes)
    for (Index v = 0; v < d; ++v) {
      real lane_weight[(2 * jbu_source_radius(kMaxRadius) + 1) * kLanes] __attribute__((aligned(64)));
      for (Index i = 0; i < s * kLanes; ++i) lane_weight[i] = 0;
      Index low = s, high = 0;
      for (Index i = 0; i < kLanes; ++i) {
        const Index x = x0 + p + i;
        if (x >= l.width) break;
        for (Index t = 0; t < 4; ++t) {
          const real weight = l.col_weight[4 * (x + v) + t];
          if (weight == 0) continue;
          const Index b = l.col_first[x + v] + t - (x / 2 - reach);
          lane_weight[b * kLanes + i] = weight;
          low = imin(low, b);
          high = imax(high, b + 1);
        }
      }
      for (Index b = low; b < high; ++b) {
        const Vec weight = load(lane_weight + b * kLanes);
        for (Index a = 0; a < s; ++a) {
          real* f = folded + (a * s + b) * kTile + p;
          store(f, load(f) + weight * load(half + (a * d + v) * kTile + p));
        }
      }
    }
}

// Channels applied at once: 4 pixels x 3 vectors of accumulators fit 16 registers, 4 x 6 fit 32.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index kApplyVectors = 6;
#elif defined(__AVX2__)
constexpr Index kApplyVectors = 3;
#else
constexpr Index kApplyVectors = 2;
#endif

/// Four outputs (rows y, y+1; pixels x, x+1) of VECTORS vectors of channels from one source neighbourhood.
/// even, odd: folded kernels of the two rows at this pixel, (taps, kTile); offset[t]: where tap t lies in the source.
template <Index VECTORS>
inline void apply_block(const real* __restrict source, const Index* offset, Index taps, const real* __restrict even, const real* __restrict odd,
                        real* out_even, real* out_odd, Index out_stride, Index channels) {
  Vec acc[4][VECTORS];
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) acc[i][j] = Vec{};
  for (Index t = 0; t < taps; ++t) {
    const real* s = source + offset[t];
    const real weight[4] = {even[t * kTile], even[t * kTile + 1], odd[t * kTile], odd[t * kTile + 1]};
    Vec v[VECTORS];
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) v[j] = load(s + j * kLanes);
#pragma GCC unroll 4
    for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
      for (Index j = 0; j < VECTORS; ++j) acc[i][j] += weight[i] * v[j];
  }
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i) {
    real* out = (i < 2 ? out_even : out_odd) + (i & 1) * out_stride;
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j)
      if (channels > j * kLanes) store_n(out + j * kLanes, acc[i][j], channels - j * kLanes);
  }
}

void apply_kernels(const JbuLevelArgs& l, Index y, Index x0, Index pixels, const real* even, const real* odd) {
  const Index reach = jbu_source_radius(l.weights.radius), s = 2 * reach + 1, taps = s * s;
  const Index source_h = l.height / 2, source_w = l.width / 2;
  Index row_offset[2 * jbu_source_radius(kMaxRadius) + 1];
  for (Index a = 0; a < s; ++a) {
    // Outside the source every weight is 0: any row will do, so long as it is there.
    const Index row = imin(imax(y / 2 + a - reach, 0), source_h - 1);
    row_offset[a] = (row - l.source_row0) * source_w * l.source_stride;
  }
  Index offset[(kTile / 2) * (2 * jbu_source_radius(kMaxRadius) + 1) * (2 * jbu_source_radius(kMaxRadius) + 1)];
  for (Index q = 0; q < pixels / 2; ++q)
    for (Index a = 0; a < s; ++a)
      for (Index b = 0; b < s; ++b) {
        const Index col = imin(imax((x0 / 2 + q) + b - reach, 0), source_w - 1);
        offset[q * taps + a * s + b] = row_offset[a] + col * l.source_stride;
      }
  // Channels outermost: the neighbourhoods of a tile overlap, and a slice of them stays in the first-level cache.
  Index c = 0;
  const Index step = kApplyVectors * kLanes;
  real* rows = l.out + (y - l.out_row0) * l.width * l.out_stride + x0 * l.out_stride;
  for (; c + step <= round_up(l.out_channels, kLanes); c += step)
    for (Index q = 0; q < pixels / 2; ++q) {
      real* out = rows + 2 * q * l.out_stride + c;
      apply_block<kApplyVectors>(l.source + c, offset + q * taps, taps, even + 2 * q, odd + 2 * q, out, out + l.width * l.out_stride, l.out_stride,
                                 l.out_channels - c);
    }
  for (; c < l.out_channels; c += kLanes)
    for (Index q = 0; q < pixels / 2; ++q) {
      real* out = rows + 2 * q * l.out_stride + c;
      apply_block<1>(l.source + c, offset + q * taps, taps, even + 2 * q, odd + 2 * q, out, out + l.width * l.out_stride, l.out_stride,
                     l.out_channels - c);
    }
}

struct TileScratch {
  Index weights, half, folded, total;  // offsets in reals; `hidden` shares its place with `half`
  explicit TileScratch(const JbuWeights& w) {
    const Index d = 2 * w.radius + 1, s = 2 * jbu_source_radius(w.radius) + 1;
    weights = 0;
    half = weights + (d * d + w.guidance_dim) * kTile;
    folded = half + imax(d * d, s * d) * kTile;
    total = folded + 2 * s * s * kTile;
  }
};

}  // namespace

Index jbu_plane(const JbuLevelArgs& l) { return round_up(l.width + 2 * l.weights.radius, kLanes) + kTile + kLanes; }

Index jbu_scratch(const JbuLevelArgs& l) { return TileScratch(l.weights).total * threads(); }

void jbu_keys(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, plane = jbu_plane(l), k = w.key_dim, g = w.guidance_dim;
  parallel_for(row_end - row_begin, [&](Index chunk, int) {
    const Index y = row_begin + chunk;
    real* keys = l.keys + (y - l.key_row0) * (k + g) * plane;
    real* guide = keys + k * plane;
    for (Index c = 0; c < g; ++c) {
      for (Index x = 0; x < l.width + 2 * r; ++x) guide[c * plane + x] = l.guidance[(y * l.width + reflect(x - r, l.width)) * g + c];
      for (Index x = l.width + 2 * r; x < plane; ++x) guide[c * plane + x] = 0;
    }
    // The reflected pixels' keys are computed like all others: there are few, and copying would need a second pass. The hidden layer lives
    // in the place of the result of a later tile, except for the last ones: so a small array of its own.
    real hidden[kMaxKeyDim * kTile] __attribute__((aligned(64)));
    for (Index x0 = 0; x0 < plane; x0 += kTile) {
      const Index pixels = imin(kTile, plane - x0);
      real tile[8 * kTile] __attribute__((aligned(64)));
      for (Index c = 0; c < g; ++c)
        for (Index x = 0; x < pixels; x += kLanes) store(tile + c * kTile + x, load(guide + c * plane + x0 + x));
      planar_linear(tile, kTile, g, w.key0, k, w.key0_bias, true, false, pixels, hidden);
      real result[kMaxKeyDim * kTile] __attribute__((aligned(64)));
      planar_linear(hidden, kTile, k, w.key3, k, w.key3_bias, false, false, pixels, result);
      for (Index c = 0; c < k; ++c)
        for (Index x = 0; x < pixels; x += kLanes) store(keys + c * plane + x0 + x, load(result + c * kTile + x));
    }
  });
}

void jbu_kernel_rows(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const TileScratch at(l.weights);
  const Index d = 2 * l.weights.radius + 1, taps = d * d;
  parallel_for(row_end - row_begin, [&](Index chunk, int worker) {
    real* scratch = l.scratch + worker * at.total;
    const Index y = row_begin + chunk;
    for (Index x0 = 0; x0 < l.width; x0 += kTile) {
      const Index pixels = imin(kTile, l.width - x0);
      make_kernels(l, y, x0, round_up(pixels, kLanes), scratch + at.weights, scratch + at.half);
      for (Index p = 0; p < pixels; ++p)
        for (Index t = 0; t < taps; ++t) l.kernels[(y * l.width + x0 + p) * taps + t] = scratch[at.weights + t * kTile + p];
    }
  });
}

void jbu_rows(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const TileScratch at(l.weights);
  const Index s = 2 * jbu_source_radius(l.weights.radius) + 1, tiles = ceil_div(l.width, kTile);
  parallel_for((row_end - row_begin) / 2 * tiles, [&](Index task, int worker) {
    real* scratch = l.scratch + worker * at.total;
    const Index y = row_begin + task / tiles * 2, x0 = task % tiles * kTile;
    const Index pixels = imin(kTile, l.width - x0), lanes = round_up(pixels, kLanes);
    for (Index row = 0; row < 2; ++row) {
      make_kernels(l, y + row, x0, lanes, scratch + at.weights, scratch + at.half);
      fold_enlargement(l, y + row, x0, lanes, scratch + at.weights, scratch + at.half, scratch + at.folded + row * s * s * kTile);
    }
    apply_kernels(l, y, x0, pixels, scratch + at.folded, scratch + at.folded + s * s * kTile);
  });
}

}  // namespace fu::FU_ISA
