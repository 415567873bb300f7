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

constexpr Index kTile = 32;  // output pixels of a task in a row: two vectors of 16, or four of 8
constexpr Index kPairs = 2;  // pairs of rows of a task: they share most of their source rows
constexpr Index kMaxRadius = 5;
constexpr Index kMaxDiameter = 2 * kMaxRadius + 1;
constexpr Index kMaxKeyDim = 64, kMaxGuidance = 8;
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

// Keys are kept in tiles with their borders, (tile, k + g, key_tile): what a task reads of a row is one contiguous run.
Index key_tile(const JbuWeights& w) { return round_up(kTile + 2 * w.radius, kLanes); }

const real* key_row(const JbuLevelArgs& l, Index y, Index x0) {
  const Index planes = l.weights.key_dim + l.weights.guidance_dim;
  return l.keys + (reflect(y, l.height) - l.key_row0) * jbu_key_row(l) + x0 / kTile * planes * key_tile(l.weights);
}

/// weights[t][x] of pixels [x0, x0 + pixels) of row y, t < d*d; rows of kTile. `hidden` is room for d*d more rows, and weights has room
/// for g further rows behind its own, which receive the guidance.
void make_kernels(const JbuLevelArgs& l, Index y, Index x0, Index pixels, real* weights, real* hidden) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, d = 2 * r + 1, taps = d * d, plane = key_tile(w);
  const real* own = key_row(l, y, x0) + r;
  for (Index u = 0; u < d; ++u) {
    const real* other = key_row(l, y + u - r, x0);
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

// Layout of col_fold: for each vector of pixels and each column v of a kernel, the range [low, high) of source columns it reaches, as two
// reals, then s rows of weights, a lane a pixel.
constexpr Index fold_row(Index s) { return 2 + s * kLanes; }

/// Folds the enlargement into the kernels of row y: (d,d,kTile) on the enlarged grid to (s,s,kTile) on the source, s = 2*source radius + 1.
/// `half` is room for s*d rows.
void fold_enlargement(const JbuLevelArgs& l, Index y, Index x0, Index pixels, const real* weights, real* half, real* folded) {
  const Index r = l.weights.radius, d = 2 * r + 1, reach = jbu_source_radius(r), s = 2 * reach + 1;
  const Index row_base = y / 2 - reach;
  // Along rows the weights are the same for all pixels: which rows of the kernel reach source row a, and with what weight.
  for (Index a = 0; a < s; ++a) {
    Index from[kMaxDiameter], n = 0;
    real weight[kMaxDiameter];
    for (Index u = 0; u < d; ++u) {
      const Index t = a + row_base - l.row_first[y + u];
      if (t < 0 || t >= 4 || l.row_weight[4 * (y + u) + t] == 0) continue;
      from[n] = u * d * kTile;
      weight[n++] = l.row_weight[4 * (y + u) + t];
    }
    for (Index v = 0; v < d; ++v)
      for (Index p = 0; p < pixels; p += kLanes) {
        const real* k = weights + v * kTile + p;
        Vec total{};
        for (Index i = 0; i < n; ++i) total += weight[i] * load(k + from[i]);
        store(half + (a * d + v) * kTile + p, total);
      }
  }
  // Along columns they alternate with the pixel.
  for (Index p = 0; p < pixels; p += kLanes) {
    const real* fold = l.col_fold + (x0 + p) / kLanes * d * fold_row(s);
    Index low[kMaxDiameter], high[kMaxDiameter];
    for (Index v = 0; v < d; ++v) {
      low[v] = static_cast<Index>(fold[v * fold_row(s)]);
      high[v] = static_cast<Index>(fold[v * fold_row(s) + 1]);
    }
    for (Index b = 0; b < s; ++b) {
      Index from[kMaxDiameter], n = 0;
      Vec weight[kMaxDiameter];
      for (Index v = 0; v < d; ++v) {
        if (b < low[v] || b >= high[v]) continue;
        from[n] = v * kTile;
        weight[n++] = load(fold + v * fold_row(s) + 2 + b * kLanes);
      }
      for (Index a = 0; a < s; ++a) {
        const real* h = half + a * d * kTile + p;
        Vec total{};
        for (Index i = 0; i < n; ++i) total += weight[i] * load(h + from[i]);
        store(folded + (a * s + b) * kTile + p, total);
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
constexpr Index kMaxWindow = 2 * jbu_source_radius(kMaxRadius) + 1;
constexpr Index kWindowCols = kTile / 2 + kMaxWindow - 1;

/// Four outputs (rows y, y+1; pixels x, x+1) of VECTORS vectors of channels from the window of the source around them.
/// window (s, kWindowCols, VECTORS*kLanes) at its first column for this pixel; even, odd: folded kernels of the two rows, (s*s, kTile).
template <Index VECTORS>
inline void apply_block(const real* __restrict window, Index s, const real* __restrict even, const real* __restrict odd, Vec (&sum)[4][VECTORS]) {
  Vec acc[4][VECTORS];
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) acc[i][j] = Vec{};
  for (Index a = 0; a < s; ++a) {
    const real* in = window + a * kWindowCols * VECTORS * kLanes;
    for (Index b = 0; b < s; ++b) {
      Vec v[VECTORS];
#pragma GCC unroll 6
      for (Index j = 0; j < VECTORS; ++j) v[j] = load(in + j * kLanes);
#pragma GCC unroll 4
      for (Index i = 0; i < 4; ++i) {
        const real weight = (i < 2 ? even : odd)[i & 1];
#pragma GCC unroll 6
        for (Index j = 0; j < VECTORS; ++j) acc[i][j] += weight * v[j];
      }
      in += VECTORS * kLanes;
      even += kTile;
      odd += kTile;
    }
  }
#pragma GCC unroll 4
  for (Index i = 0; i < 4; ++i)
#pragma GCC unroll 6
    for (Index j = 0; j < VECTORS; ++j) sum[i][j] = acc[i][j];
}

/// Channels [c0, c0 + VECTORS*kLanes), those that there are, of one tile; folded (2*pairs, s*s, kTile).
template <Index VECTORS>
void apply_channels(const JbuLevelArgs& l, Index y, Index pairs, Index x0, Index pixels, Index c0, const real* folded, real* window) {
  const Index reach = jbu_source_radius(l.weights.radius), s = 2 * reach + 1, step = VECTORS * kLanes, count = imin(step, l.channels - c0);
  const Index source_h = l.height / 2, source_w = l.width / 2, cols = pixels / 2 + s - 1;
  // A slice of the neighbourhood's channels, side by side: in place they lie a whole pixel apart, which is often a multiple of what
  // makes cache sets collide. Outside the source every weight is 0, and any pixel will do.
  for (Index a = 0; a < s + pairs - 1; ++a) {
    const Index row = imin(imax(y / 2 + a - reach, 0), source_h - 1) - l.source_row0;
    for (Index b = 0; b < cols; ++b) {
      const Index col = imin(imax(x0 / 2 + b - reach, 0), source_w - 1);
      const real* in = l.source + (row * source_w + col) * l.channels + c0;
      real* to = window + (a * kWindowCols + b) * step;
      if (count == step) {
#pragma GCC unroll 6
        for (Index j = 0; j < VECTORS; ++j) store(to + j * kLanes, load(in + j * kLanes));
      } else {
        for (Index c = 0; c < step; ++c) to[c] = c < count ? in[c] : 0;
      }
    }
  }
  for (Index pair = 0; pair < pairs; ++pair) {
    const real* even = folded + 2 * pair * s * s * kTile;
    for (Index q = 0; q < pixels / 2; ++q) {
      Vec sum[4][VECTORS];
      apply_block<VECTORS>(window + (pair * kWindowCols + q) * step, s, even + 2 * q, even + s * s * kTile + 2 * q, sum);
      for (Index i = 0; i < 4; ++i) {
        real* out = l.out + ((y + 2 * pair + i / 2 - l.out_row0) * l.width + x0 + 2 * q + i % 2) * l.channels + c0;
        if (count == step) {
#pragma GCC unroll 6
          for (Index j = 0; j < VECTORS; ++j) store(out + j * kLanes, sum[i][j]);
        } else {
          for (Index j = 0; j * kLanes < count; ++j) store_n(out + j * kLanes, sum[i][j], count - j * kLanes);
        }
      }
    }
  }
}

void apply_kernels(const JbuLevelArgs& l, Index y, Index pairs, Index x0, Index pixels, const real* folded, real* window) {
  // Channels outermost, so that the slice of the window stays in the first-level cache.
  const Index step = kApplyVectors * kLanes;
  Index c = 0;
  for (; l.channels - c > kLanes; c += step) apply_channels<kApplyVectors>(l, y, pairs, x0, pixels, c, folded, window);
  if (l.channels > c) apply_channels<1>(l, y, pairs, x0, pixels, c, folded, window);
}

struct TileScratch {
  Index weights, half, folded, window, total;  // offsets in reals; `hidden` shares its place with `half`
  explicit TileScratch(const JbuWeights& w) {
    const Index d = 2 * w.radius + 1, s = 2 * jbu_source_radius(w.radius) + 1;
    weights = 0;
    half = weights + (d * d + w.guidance_dim) * kTile;
    folded = half + imax(d * d, s * d) * kTile;
    window = folded + 2 * kPairs * s * s * kTile;
    total = window + (s + kPairs - 1) * kWindowCols * kApplyVectors * kLanes;
  }
};

}  // namespace

Index jbu_key_row(const JbuLevelArgs& l) {
  return ceil_div(l.width, kTile) * (l.weights.key_dim + l.weights.guidance_dim) * key_tile(l.weights) + kLanes;
}

Index jbu_scratch(const JbuLevelArgs& l) { return TileScratch(l.weights).total * threads(); }

Index jbu_col_fold_size(const JbuLevelArgs& l) {
  const Index d = 2 * l.weights.radius + 1, s = 2 * jbu_source_radius(l.weights.radius) + 1;
  return ceil_div(l.width, kLanes) * d * fold_row(s);
}

void jbu_col_fold(const JbuLevelArgs& l) {
  const Index d = 2 * l.weights.radius + 1, reach = jbu_source_radius(l.weights.radius), s = 2 * reach + 1;
  for (Index x0 = 0; x0 < l.width; x0 += kLanes)
    for (Index v = 0; v < d; ++v) {
      real* fold = l.col_fold + (x0 / kLanes * d + v) * fold_row(s);
      for (Index i = 0; i < fold_row(s); ++i) fold[i] = 0;
      Index low = s, high = 0;
      for (Index i = 0; i < imin(kLanes, l.width - x0); ++i)
        for (Index t = 0; t < 4; ++t) {
          const real weight = l.col_weight[4 * (x0 + i + v) + t];
          if (weight == 0) continue;
          const Index b = l.col_first[x0 + i + v] + t - ((x0 + i) / 2 - reach);
          fold[2 + b * kLanes + i] = weight;
          low = imin(low, b);
          high = imax(high, b + 1);
        }
      fold[0] = static_cast<real>(low);
      fold[1] = static_cast<real>(high);
    }
}

void jbu_keys(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const JbuWeights& w = l.weights;
  const Index r = w.radius, k = w.key_dim, g = w.guidance_dim, plane = key_tile(w), tile_size = (k + g) * plane, tiles = ceil_div(l.width, kTile);
  parallel_for(row_end - row_begin, [&](Index chunk, int) {
    const Index y = row_begin + chunk;
    real* row = l.keys + (y - l.key_row0) * jbu_key_row(l);
    const real* guidance = l.guidance + y * l.width * g;
    real guide[kMaxGuidance * kTile] __attribute__((aligned(64))), hidden[kMaxKeyDim * kTile] __attribute__((aligned(64)));
    real keys[kMaxKeyDim * kTile] __attribute__((aligned(64)));
    for (Index t = 0; t < tiles; ++t) {
      const Index pixels = imin(kTile, l.width - t * kTile);
      for (Index c = 0; c < g; ++c)
        for (Index x = 0; x < kTile; ++x) guide[c * kTile + x] = x < pixels ? guidance[(t * kTile + x) * g + c] : 0;
      planar_linear(guide, kTile, g, w.key0, k, w.key0_bias, true, false, pixels, hidden);
      planar_linear(hidden, kTile, k, w.key3, k, w.key3_bias, false, false, pixels, keys);
      real* tile = row + t * tile_size;
      for (Index c = 0; c < k + g; ++c) {
        const real* from = c < k ? keys + c * kTile : guide + (c - k) * kTile;
        real* to = tile + c * plane;
        for (Index x = 0; x < pixels; x += kLanes) store(to + r + x, load(from + x));
      }
    }
    // Borders of the tiles: their neighbours' pixels, or mirrored ones where the image ends.
    const auto fill = [&](Index t, Index x) {
      const Index from = reflect(x, l.width);
      const real* in = row + from / kTile * tile_size + r + from % kTile;
      real* out = row + t * tile_size + r + x - t * kTile;
      for (Index c = 0; c < k + g; ++c) out[c * plane] = in[c * plane];
    };
    for (Index t = 0; t < tiles; ++t) {
      for (Index x = t * kTile - r; x < t * kTile; ++x) fill(t, x);
      for (Index x = imin((t + 1) * kTile, l.width); x < (t + 1) * kTile + r; ++x) fill(t, x);
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
  parallel_for(ceil_div(row_end - row_begin, 2 * kPairs) * tiles, [&](Index task, int worker) {
    real* scratch = l.scratch + worker * at.total;
    const Index y = row_begin + task / tiles * 2 * kPairs, x0 = task % tiles * kTile, pairs = imin(kPairs, (row_end - y) / 2);
    const Index pixels = imin(kTile, l.width - x0), lanes = round_up(pixels, kLanes);
    for (Index row = 0; row < 2 * pairs; ++row) {
      make_kernels(l, y + row, x0, lanes, scratch + at.weights, scratch + at.half);
      fold_enlargement(l, y + row, x0, lanes, scratch + at.weights, scratch + at.half, scratch + at.folded + row * s * s * kTile);
    }
    apply_kernels(l, y, pairs, x0, pixels, scratch + at.folded, scratch + at.window);
  });
}

}  // namespace fu::FU_ISA
