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

/// logits[t] = sum over c of own[c] * other[c][+t] for TAPS neighbours in a row, VECTORS vectors of pixels: keys are planes, so neighbours to
/// the side are shifted loads.
template <Index TAPS, Index VECTORS>
inline void key_products(const real* own, const real* other, Index plane, Index key_dim, real* logits) {
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
inline void key_row_products(const real* own, const real* other, Index plane, Index key_dim, Index d, real* logits) {
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
Index key_tile(const JbuWeights& w) { return round_up(kTile + 2 * w.radius, kLanes); }

const real* key_row(const JbuLevelArgs& l, Index y, Index x0) {
  const Index planes = l.weights.key_dim + l.weights.guidance_dim;
  return l.keys + (reflect(y, l.height) - l.key_row0) * jbu_key_row(l) + x0 / kTile * planes * key_tile(l.weights);
}

/// Turns logits (d*d, kTile) into range kernel times spatial kernel, normalised, and appends the guidance.
void normalize_kernels(const JbuWeights& w, const real* guidance, Index plane, Index pixels, real* weights) {
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
void make_kernels(const JbuLevelArgs& l, Index y, Index x0, Index pixels, real* weights, real* hidden) {
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

// Layout of col_fold: for each vector of pixels and each column v of a kernel, the range [low, high) of source columns it reaches, as two
// reals, then s rows of weights, a lane a pixel.
constexpr Index fold_row(Index s) { return 2 + s * kLanes; }

/// out[k] = sum over i < N of weight[i] * in[from[i] + k], k < n: N runs folded into one.
template <Index N>
inline void fold_runs(const real* in, const Index* from, const Vec* weight, Index runs, Index in_step, Index out_step, Index pixels, real* out) {
  // Copies of its own: a store may alias what lies behind a pointer, and would have all of it read again.
  Vec w[N];
  const real* source[N];
  for (Index i = 0; i < N; ++i) {
    w[i] = weight[i];
    source[i] = in + from[i];
  }
  for (Index j = 0; j < runs; ++j)
    for (Index p = 0; p < pixels; p += kLanes) {
      Vec total = w[0] * load(source[0] + j * in_step + p);
#pragma GCC unroll 8
      for (Index i = 1; i < N; ++i) total += w[i] * load(source[i] + j * in_step + p);
      store(out + j * out_step + p, total);
    }
}

inline void fold_runs(Index n, const real* in, const Index* from, const Vec* weight, Index runs, Index in_step, Index out_step, Index pixels,
                      real* out) {
  switch (n) {
    case 0:
      for (Index j = 0; j < runs; ++j)
        for (Index p = 0; p < pixels; p += kLanes) store(out + j * out_step + p, Vec{});
      break;
    case 1: fold_runs<1>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 2: fold_runs<2>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 3: fold_runs<3>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 4: fold_runs<4>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 5: fold_runs<5>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    default:  // at the borders of an image several rows fold into one
      fold_runs<5>(in, from, weight, runs, in_step, out_step, pixels, out);
      for (Index i = 5; i < n; ++i)
        for (Index j = 0; j < runs; ++j)
          for (Index p = 0; p < pixels; p += kLanes)
            store(out + j * out_step + p, load(out + j * out_step + p) + weight[i] * load(in + j * in_step + from[i] + p));
  }
}

/// Folds the enlargement into the kernels of row y: (d,d,kTile) on the enlarged grid to (s,s,kTile) on the source, s = 2*source radius + 1.
/// `half` is room for s*d runs.
void fold_enlargement(const JbuLevelArgs& l, Index y, Index x0, Index pixels, const real* weights, real* half, real* folded) {
  const Index r = l.weights.radius, d = 2 * r + 1, reach = jbu_source_radius(r), s = 2 * reach + 1;
  const Index row_base = y / 2 - reach;
  Index from[kMaxDiameter];
  Vec weight[kMaxDiameter];
  // Along rows the weights are the same for all pixels: which rows of the kernel reach source row a, and with what weight.
  for (Index a = 0; a < s; ++a) {
    Index n = 0;
    for (Index u = 0; u < d; ++u) {
      const Index t = a + row_base - l.row_first[y + u];
      if (t < 0 || t >= 4 || l.row_weight[4 * (y + u) + t] == 0) continue;
      from[n] = u * d * kTile;
      weight[n++] = splat(l.row_weight[4 * (y + u) + t]);
    }
    fold_runs(n, weights, from, weight, d, kTile, kTile, pixels, half + a * d * kTile);
  }
  // Along columns they alternate with the pixel.
  for (Index p = 0; p < pixels; p += kLanes) {
    const real* fold = l.col_fold + (x0 + p) / kLanes * d * fold_row(s);
    for (Index b = 0; b < s; ++b) {
      Index n = 0;
      for (Index v = 0; v < d; ++v) {
        const real* row = fold + v * fold_row(s);
        if (b < static_cast<Index>(row[0]) || b >= static_cast<Index>(row[1])) continue;
        from[n] = v * kTile;
        weight[n++] = load(row + 2 + b * kLanes);
      }
      fold_runs(n, half + p, from, weight, s, d * kTile, s * kTile, kLanes, folded + b * kTile + p);
    }
  }
}

/// Sorts the folded kernels of two rows, (s*s, kTile) each, by source position: (kTile/2, s*s, 4), the four pixels that share it together.
void gather_quads(const real* even, const real* odd, Index taps, Index pixels, real* quads) {
  for (Index t = 0; t < taps; ++t)
    for (Index q = 0; q < pixels / 2; ++q) {
      real* out = quads + (q * taps + t) * 4;
      out[0] = even[t * kTile + 2 * q];
      out[1] = even[t * kTile + 2 * q + 1];
      out[2] = odd[t * kTile + 2 * q];
      out[3] = odd[t * kTile + 2 * q + 1];
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

/// Four outputs (rows y, y+1; pixels x, x+1) of VECTORS vectors of channels. window: the source around them, tap t at offset[t]; quads
/// (taps, 4): their weights; out[i]: where each goes. One flat loop: two nested ones of 7 cost a third of the speed.
template <Index VECTORS>
inline void apply_block(const real* __restrict window, const Index* __restrict offset, Index taps, const real* __restrict quads,
                        real* const (&out)[4]) {
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
#pragma GCC unroll 4
    for (Index i = 0; i < 4; ++i) {
      const real weight = quads[i];
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
void apply_channels(const JbuLevelArgs& l, const Tile& tile, Index c0) {
  const Index s = 2 * jbu_source_radius(l.weights.radius) + 1, step = VECTORS * kLanes, count = imin(step, l.channels - c0);
  // A slice of the neighbourhood's channels, side by side: in place they lie a whole pixel apart, which is often a multiple of what
  // makes cache sets collide.
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
  // While these channels are computed, the next ones are fetched from the second-level cache, some pixels of the window at a time.
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

void apply_kernels(const JbuLevelArgs& l, Index y, Index pairs, Index x0, Index pixels, const real* quads, real* window) {
  const Index reach = jbu_source_radius(l.weights.radius), s = 2 * reach + 1, source_h = l.height / 2, source_w = l.width / 2;
  Index places[(kMaxWindow + kPairs - 1) * kWindowCols];
  const Tile tile{y, pairs, x0, pixels, s + pairs - 1, pixels / 2 + s - 1, places, quads, window};
  for (Index a = 0; a < tile.rows; ++a)
    for (Index b = 0; b < tile.cols; ++b) {
      // Outside the source every weight is 0, and any pixel will do.
      const Index row = imin(imax(y / 2 + a - reach, 0), source_h - 1) - l.source_row0, col = imin(imax(x0 / 2 + b - reach, 0), source_w - 1);
      places[a * tile.cols + b] = (row * source_w + col) * l.channels;
    }
  // Channels outermost, so that the slice of the window stays in the first-level cache.
  Index c = 0;
  for (; l.channels - c > kLanes; c += kApplyVectors * kLanes) apply_channels<kApplyVectors>(l, tile, c);
  if (l.channels > c) apply_channels<1>(l, tile, c);
}

// With so few channels, weights are not worth folding: the few enlarged values that a tile needs are made, and the kernels applied to them, a
// pixel a lane.
constexpr Index kFewChannels = 4;

constexpr Index enlarged_row(Index radius) { return round_up(kTile + 2 * radius, kLanes) + kLanes; }

/// The enlarged source of pixels [x0 - r, x0 + kTile + r) of rows [y - r, y + rows + r), a plane a channel: (channels, rows + 2r, enlarged_row).
void enlarge_tile(const JbuLevelArgs& l, Index y, Index rows, Index x0, real* enlarged) {
  const Index r = l.weights.radius, source_h = l.height / 2, source_w = l.width / 2, c = l.channels, width = enlarged_row(r);
  const Index x_end = imin(x0 + kTile + 2 * r, l.width + 2 * r);  // in positions of the reflected axis, as the tables count
  const Index col0 = imax(0, x0 / 2 - r - 4), cols = imin(source_w, x0 / 2 + kTile / 2 + r + 4) - col0;
  real mixed[(kTile / 2 + 2 * kMaxRadius + 8) * kFewChannels];
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
        const Index first = l.col_first[x] - col0;
        real total = 0;
        for (Index t = 0; t < 4; ++t) total += l.col_weight[4 * x + t] * mixed[imin(imax(first + t, 0), cols - 1) * c + k];
        out[x - x0] = total;
      }
      for (Index x = x_end - x0; x < width; ++x) out[x] = 0;
    }
  }
}

/// Row y + i of the result from its kernels, weights (d*d, kTile), and the enlarged tile that begins at row y.
void apply_few(const JbuLevelArgs& l, Index y, Index i, Index rows, Index x0, Index pixels, const real* weights, const real* enlarged) {
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

struct TileScratch {
  Index weights, half, folded, quads, window, total;  // offsets in reals; the hidden layer shares its place with `half`
  explicit TileScratch(const JbuWeights& w) {
    const Index d = 2 * w.radius + 1, s = 2 * jbu_source_radius(w.radius) + 1;
    weights = 0;
    half = weights + (d * d + w.guidance_dim) * kTile;
    folded = half + imax(d * d, s * d) * kTile;
    quads = folded + 2 * s * s * kTile;
    window = quads + 2 * kPairs * s * s * kTile;
    total =
        window + imax((s + kPairs - 1) * kWindowCols * kApplyVectors * kLanes, kFewChannels * (2 * kPairs + 2 * w.radius) * enlarged_row(w.radius));
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
    real hidden[kMaxKeyDim * kTile] __attribute__((aligned(64))), guide[kMaxGuidance * kTile] __attribute__((aligned(64)));
    for (Index i = 0; i < g * kTile; ++i) guide[i] = 0;
    for (Index t = 0; t < tiles; ++t) {
      const Index pixels = imin(kTile, l.width - t * kTile);
      real* tile = row + t * tile_size + r;
      for (Index c = 0; c < g; ++c)
        for (Index x = 0; x < pixels; ++x) tile[(k + c) * plane + x] = guide[c * kTile + x] = guidance[(t * kTile + x) * g + c];
      planar_linear(guide, kTile, g, w.key0, k, w.key0_bias, true, false, pixels, hidden, kTile);
      planar_linear(hidden, kTile, k, w.key3, k, w.key3_bias, false, false, pixels, tile, plane);
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
    real* const folded[2] = {scratch + at.folded, scratch + at.folded + s * s * kTile};
    const Index y = row_begin + task / tiles * 2 * kPairs, x0 = task % tiles * kTile, pairs = imin(kPairs, (row_end - y) / 2);
    const Index pixels = imin(kTile, l.width - x0), lanes = round_up(pixels, kLanes);
    if (l.channels <= kFewChannels) {
      enlarge_tile(l, y, 2 * pairs, x0, scratch + at.window);
      for (Index i = 0; i < 2 * pairs; ++i) {
        make_kernels(l, y + i, x0, lanes, scratch + at.weights, scratch + at.half);
        apply_few(l, y, i, 2 * pairs, x0, pixels, scratch + at.weights, scratch + at.window);
      }
      return;
    }
    for (Index pair = 0; pair < pairs; ++pair) {
      for (Index i = 0; i < 2; ++i) {
        make_kernels(l, y + 2 * pair + i, x0, lanes, scratch + at.weights, scratch + at.half);
        fold_enlargement(l, y + 2 * pair + i, x0, lanes, scratch + at.weights, scratch + at.half, folded[i]);
      }
      gather_quads(folded[0], folded[1], s * s, pixels, scratch + at.quads + pair * s * s * 2 * kTile);
    }
    apply_kernels(l, y, pairs, x0, pixels, scratch + at.quads, scratch + at.window);
  });
}

}  // namespace fu::FU_ISA
