// One level of the joint bilateral upsampler, fused: from guidance and a small source to the enlarged result. Neither
// the kernels of a whole image nor the bicubic enlargement are ever in memory.
//
// A task is a strip of some rows, computed from top to bottom. For each row it computes the d*d weights of every pixel
// (jbu_products.h, jbu_weights.h). Bicubic enlargement by 2 followed by a 7x7 kernel equals a 7x7 kernel on the source
// itself, one for each of the four pixels that share a source position. So the task folds the enlargement into the
// weights (jbu_fold.h) and applies the four kernels to one source neighbourhood together (jbu_apply.h): each source
// vector is read once for four outputs.
#include "core/kernels/jbu_apply.h"
#include "core/kernels/jbu_fold.h"

namespace fu::FU_ISA {

namespace {

struct TileScratch {
  Index ring, weights, half, folded, quads, window, total;  // offsets in reals; `half` is also the hidden layer
  explicit TileScratch(const JbuWeights& w) {
    const Index d = 2 * w.radius + 1, s = 2 * jbu_source_radius(w.radius) + 1;
    ring = 0;
    weights = Products::ring_size(w);
    half = weights + (d * d + w.guidance_dim) * kTile;
    folded = half + imax(d * d, s * d) * kTile;
    quads = folded + 2 * s * s * kTile;
    window = quads + 2 * kPairs * s * s * kTile;
    total = window + imax((s + kPairs - 1) * kWindowCols * kApplyVectors * kLanes,
                          kFewChannels * (2 * kPairs + 2 * w.radius) * enlarged_row(w.radius));
  }
};

}  // namespace

Index jbu_key_row(const JbuLevelArgs& l) {
  return ceil_div(l.width, kTile) * (jbu_key_planes(l.weights) + l.weights.guidance_dim) * key_tile(l.weights) + kLanes;
}

Index jbu_scratch(const JbuLevelArgs& l) { return TileScratch(l.weights).total * l.workers; }

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
  const Index r = w.radius, planes = jbu_key_planes(w), g = w.guidance_dim, plane = key_tile(w),
              tile_size = (planes + g) * plane, tiles = ceil_div(l.width, kTile);
  parallel_for(row_end - row_begin, [&](Index chunk) {
    const Index y = row_begin + chunk;
    real* row = l.keys + (y - l.key_row0) * jbu_key_row(l);
    const real* guidance = l.guidance + y * l.width * g;
    real hidden[kMaxKeyDim * kTile] __attribute__((aligned(64))),
        guide[kMaxGuidance * kTile] __attribute__((aligned(64)));
    for (Index i = 0; i < g * kTile; ++i) guide[i] = 0;
    const real none[kMaxKeyDim + 1] = {};
    for (Index t = 0; t < tiles; ++t) {
      const Index pixels = imin(kTile, l.width - t * kTile);
      real* tile = row + t * tile_size + r;
      for (Index c = 0; c < g; ++c)
        for (Index x = 0; x < pixels; ++x)
          tile[(planes + c) * plane + x] = guide[c * kTile + x] = guidance[(t * kTile + x) * g + c];
      planar_linear(guide, kTile, g, w.key0, w.key_dim, w.key0_bias, true, false, pixels, hidden, kTile);
      planar_linear(hidden, kTile, w.key_dim, w.key3, planes, none, false, false, pixels, tile, plane);
    }
    // Borders of the tiles: pixels of the neighbouring tiles, or reflected ones at the borders of the image.
    for (Index t = 0; t < tiles; ++t) {
      const real* from[2 * kMaxRadius];
      real* to[2 * kMaxRadius];
      const Index end = imin((t + 1) * kTile, l.width);
      for (Index i = 0; i < 2 * r; ++i) {
        const Index x = i < r ? t * kTile - r + i : end + i - r, at = reflect(x, l.width);
        from[i] = row + at / kTile * tile_size + r + at % kTile;
        to[i] = row + t * tile_size + r + x - t * kTile;
      }
      for (Index c = 0; c < planes + g; ++c)
        for (Index i = 0; i < 2 * r; ++i) to[i][c * plane] = from[i][c * plane];
    }
  });
}

void jbu_kernel_rows(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const TileScratch at(l.weights);
  const Index d = 2 * l.weights.radius + 1, taps = d * d;
  const Strips strips(row_begin, row_end, l.width);
  parallel_for(strips.count, l.workers, [&](Index task, int worker) {
    real* scratch = l.scratch + worker * at.total;
    const Strip strip = strips[task];
    Products products(l, strip, scratch + at.ring);
    for (Index y = strip.y0; y < strip.y1; ++y) {
      products.advance(y + 1);
      for (Index x0 = strip.x0; x0 < strip.x1; x0 += kTile) {
        const Index pixels = imin(kTile, strip.x1 - x0);
        make_kernels(l, products, y, x0, round_up(pixels, kLanes), scratch + at.weights, scratch + at.half);
        for (Index p = 0; p < pixels; ++p)
          for (Index t = 0; t < taps; ++t)
            l.kernels[(y * l.width + x0 + p) * taps + t] = scratch[at.weights + t * kTile + p];
      }
    }
  });
}

namespace {

/// Rows [y, y + rows) of a strip, at most kPairs pairs, for more than kFewChannels channels.
void group_of_rows(const JbuLevelArgs& l, const Products& products, const Strip& strip, Index y, Index rows,
                   const TileScratch& at, real* scratch) {
  const Index s = 2 * jbu_source_radius(l.weights.radius) + 1;
  real* const folded[2] = {scratch + at.folded, scratch + at.folded + s * s * kTile};
  for (Index x0 = strip.x0; x0 < strip.x1; x0 += kTile) {
    const Index pixels = imin(kTile, strip.x1 - x0), lanes = round_up(pixels, kLanes);
    for (Index i = 0; i < rows; ++i) {
      make_kernels(l, products, y + i, x0, lanes, scratch + at.weights, scratch + at.half);
      fold_enlargement(l, y + i, x0, lanes, scratch + at.weights, scratch + at.half, folded[i % 2]);
      if (i % 2 == 1) gather_quads(folded[0], folded[1], s * s, pixels, scratch + at.quads + i / 2 * s * s * 2 * kTile);
    }
    apply_kernels(l, y, rows / 2, x0, pixels, scratch + at.quads, scratch + at.window);
  }
}

/// The same for at most kFewChannels channels.
void group_of_rows_few(const JbuLevelArgs& l, const Products& products, const Strip& strip, Index y, Index rows,
                       const TileScratch& at, real* scratch) {
  for (Index x0 = strip.x0; x0 < strip.x1; x0 += kTile) {
    const Index pixels = imin(kTile, strip.x1 - x0);
    enlarge_tile(l, y, rows, x0, scratch + at.window);
    for (Index i = 0; i < rows; ++i) {
      make_kernels(l, products, y + i, x0, round_up(pixels, kLanes), scratch + at.weights, scratch + at.half);
      apply_few(l, y, i, rows, x0, pixels, scratch + at.weights, scratch + at.window);
    }
  }
}

}  // namespace

void jbu_rows(const JbuLevelArgs& l, Index row_begin, Index row_end) {
  const TileScratch at(l.weights);
  const Strips strips(row_begin, row_end, l.width);
  parallel_for(strips.count, l.workers, [&](Index task, int worker) {
    real* scratch = l.scratch + worker * at.total;
    const Strip strip = strips[task];
    Products products(l, strip, scratch + at.ring);
    for (Index y = strip.y0; y < strip.y1; y += 2 * kPairs) {
      const Index rows = imin(2 * kPairs, strip.y1 - y);
      products.advance(y + rows);
      (l.channels <= kFewChannels ? group_of_rows_few : group_of_rows)(l, products, strip, y, rows, at, scratch);
    }
  });
}

}  // namespace fu::FU_ISA
