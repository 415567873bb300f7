// What forward and backward of the attention to cells share: rectangles of pixels that look at the same cells, their
// packed keys and values, and the weights of a run of pixels.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

constexpr Index kRunPixels = 48;  // pixels whose weights are in memory at a time
static_assert(kRunPixels % kMicroRows == 0 && kMaxDepth % kMicroCols == 0,
              "runs are whole strips, blocks of depth whole panels");

/// The values that each head weighs: their place, their number, and where the result goes.
struct HeadValues {
  Index heads, c, step_in, step_out;
  explicit HeadValues(const CellAttentionArgs& a)
      : heads(a.use == HeadUse::mean ? 1 : a.heads),
        c(a.use == HeadUse::groups ? a.c / a.heads : a.c),
        step_in(a.use == HeadUse::groups ? c
                : a.use == HeadUse::sum  ? a.h * a.w * a.c
                                         : 0),
        step_out(a.use == HeadUse::groups ? c : 0) {}
};

/// Sizes for the largest rectangle of cells.
struct CellLayout {
  Index cells = 0, key_panels, depth_blocks, keys, values, rows, weights;
  explicit CellLayout(const CellAttentionArgs& a) {
    Index most_rows = 1, most_cols = 1;
    for (Index i = 0; i < a.row_count; ++i) most_rows = imax(most_rows, a.row_runs[i].last - a.row_runs[i].first);
    for (Index i = 0; i < a.col_count; ++i) most_cols = imax(most_cols, a.col_runs[i].last - a.col_runs[i].first);
    const HeadValues v(a);
    cells = most_rows * most_cols;
    key_panels = ceil_div(cells, kMicroCols);
    depth_blocks = ceil_div(cells, kMaxDepth);
    keys = a.heads * a.head_dim * key_panels * kMicroCols;
    values = v.heads * cells * round_up(v.c, kMicroCols);
    rows = kRunPixels * kRowStride;
    weights = rows * depth_blocks;
  }
};

/// The cells of one rectangle, in the order of the weights.
struct CellBlock {
  const CellRun &rows, &cols;
  Index w, n;
  CellBlock(const CellRun& r, const CellRun& c, Index width)
      : rows(r), cols(c), w(width), n((r.last - r.first) * (c.last - c.first)) {}
  /// f(number in the rectangle, number in the map)
  template <class F>
  void each(const F& f) const {
    Index t = 0;
    for (Index i = rows.first; i < rows.last; ++i)
      for (Index j = cols.first; j < cols.last; ++j, ++t) f(t, i * w + j);
  }
};

/// Place of the weight of pixel i for cell t: blocks of kMaxDepth cells, in each the row layout of micro_tile.
inline Index weight_at(Index i, Index t) { return (t / kMaxDepth * kRunPixels + i) * kRowStride + t % kMaxDepth; }

/// x (cells, heads * d) of a rectangle becomes, for each head, panels of cells (d, kMicroCols), zero behind the last.
static inline void pack_cells(const real* x, const CellBlock& block, Index heads, Index d, real* packed) {
  const Index panels = ceil_div(block.n, kMicroCols), row = heads * d;
  block.each([&](Index t, Index cell) {
    real* out = packed + t / kMicroCols * d * kMicroCols + t % kMicroCols;
    for (Index h = 0; h < heads; ++h)
      for (Index p = 0; p < d; ++p) out[(h * panels * d + p) * kMicroCols] = x[cell * row + h * d + p];
  });
  for (Index t = block.n; t < panels * kMicroCols; ++t)
    for (Index h = 0; h < heads; ++h)
      for (Index p = 0; p < d; ++p) packed[((h * panels + t / kMicroCols) * d + p) * kMicroCols + t % kMicroCols] = 0;
}

/// Products of `pixels` rows of q, `q_row` apart, with the packed keys of one head.
static inline void cell_scores(const real* q, Index q_row, Index pixels, Index d, const real* keys, Index n, real* rows,
                               real* scores) {
  copy_rows(q, q_row, 1, pixels, d, rows);
  const Epilogue e{nullptr, Activation::none, false};
  for (Index j = 0; j < ceil_div(n, kMicroCols); ++j)
    for (Index i = 0; i < pixels; i += kMicroRows)
      micro_tile_rows(imin(kMicroRows, pixels - i), d, rows + i * kRowStride, keys + j * d * kMicroCols,
                      scores + weight_at(i, j * kMicroCols), kRowStride, kMicroCols, e);
}

/// The scores of pixel i become softmax(scale * scores).
static inline void softmax_of_cells(real* scores, Index i, Index n, real scale) {
  // Padding up to whole vectors counts as minus infinity, whatever the sign of the scale.
  const real lowest = scale < 0 ? static_cast<real>(3e38) : static_cast<real>(-3e38);
  for (Index t = n; t < round_up(n, kLanes); ++t) scores[weight_at(i, t)] = lowest;
  Vec top = load(scores + weight_at(i, 0)) * scale;
  for (Index t = kLanes; t < n; t += kLanes) top = vmax(load(scores + weight_at(i, t)) * scale, top);
  const real highest = hmax(top);
  Vec total{};
  for (Index t = 0; t < n; t += kLanes) {
    real* s = scores + weight_at(i, t);
    const Vec e = vexp_negative(load(s) * scale - highest);
    total += e;
    store(s, e);
  }
  const real inverse = 1 / hsum(total);
  for (Index t = 0; t < n; t += kLanes) {
    real* s = scores + weight_at(i, t);
    store(s, load(s) * inverse);
  }
}

}  // namespace fu::FU_ISA
