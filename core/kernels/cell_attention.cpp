// Attention of pixels to the cells of a coarse map. A task is a rectangle of pixels that look at the same cells: keys
// and values of these are packed once, and then the weights of a run of pixels are made and used. So nothing of the
// size pixels x cells is ever in memory.
#include "core/kernels/cell_attention.h"

#include "core/kernels/declare.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// The values of a rectangle, for each head that has some: panels of channels (cells, kMicroCols), zero behind the
/// last.
void pack_values(const CellAttentionArgs& a, const HeadValues& values, const CellBlock& block, real* packed) {
  for (Index h = 0; h < values.heads; ++h)
    for (Index j = 0; j < values.c; j += kMicroCols, packed += block.n * kMicroCols)
      block.each([&](Index t, Index cell) {
        const real* v = a.v + h * values.step_in + cell * a.c + j;
        for (Index i = 0; i < kMicroCols; i += kLanes)
          store(packed + t * kMicroCols + i, load_n(v + i, values.c - j - i));
      });
}

/// Results of `pixels` pixels from their weights.
void weigh(const CellAttentionArgs& a, const HeadValues& values, const real* weights, Index n, const real* packed,
           bool add, Index pixels, real* y) {
  for (Index j = 0; j < values.c; j += kMicroCols, packed += n * kMicroCols)
    for (Index t = 0; t < n; t += kMaxDepth) {
      const Epilogue e{nullptr, Activation::none, add || t > 0};
      for (Index i = 0; i < pixels; i += kMicroRows)
        micro_tile_rows(imin(kMicroRows, pixels - i), imin(kMaxDepth, n - t), weights + weight_at(i, t),
                        packed + t * kMicroCols, y + i * a.c + j, a.c, imin(kMicroCols, values.c - j), e);
    }
}

/// sum (first: =, else +=) scores / heads
void add_mean(const real* scores, Index pixels, Index n, bool first, real factor, real* sum) {
  for (Index i = 0; i < pixels; ++i)
    for (Index t = 0; t < n; t += kLanes) {
      const Index at = weight_at(i, t);
      const Vec s = load(scores + at) * factor;
      store(sum + at, first ? s : load(sum + at) + s);
    }
}

}  // namespace

Index cell_attention_scratch(const CellAttentionArgs& a) {
  const CellLayout at(a);
  return (round_up(at.keys, 16) + round_up(at.values, 16) + at.rows + 2 * at.weights) * a.workers;
}

void cell_attention(const CellAttentionArgs& a) {
  if (a.c == 0) return;
  const CellLayout at(a);
  const HeadValues values(a);
  const Index per_worker = round_up(at.keys, 16) + round_up(at.values, 16) + at.rows + 2 * at.weights;
  const Index q_row = a.heads * a.head_dim, value_panels = ceil_div(values.c, kMicroCols);
  parallel_for(a.row_count * a.col_count, a.workers, [&](Index task, int worker) {
    const CellBlock block(a.row_runs[task / a.col_count], a.col_runs[task % a.col_count], a.w);
    const Index n = block.n, key_size = ceil_div(n, kMicroCols) * kMicroCols * a.head_dim;
    real* keys = a.scratch + worker * per_worker;
    real *packed = keys + round_up(at.keys, 16), *rows = packed + round_up(at.values, 16), *scores = rows + at.rows,
         *mean = scores + at.weights;
    pack_cells(a.k, block, a.heads, a.head_dim, keys);
    pack_values(a, values, block, packed);
    for (Index i = block.rows.begin; i < block.rows.end; ++i)
      for (Index j = block.cols.begin; j < block.cols.end; j += kRunPixels) {
        const Index pixel = i * a.cols + j, pixels = imin(kRunPixels, block.cols.end - j);
        real* y = a.y + pixel * a.c;
        for (Index h = 0; h < a.heads; ++h) {
          cell_scores(a.q + pixel * q_row + h * a.head_dim, q_row, pixels, a.head_dim, keys + h * key_size, n, rows,
                      scores);
          for (Index p = 0; p < pixels; ++p) softmax_of_cells(scores, p, n, a.scale);
          if (a.use == HeadUse::mean)
            add_mean(scores, pixels, n, h == 0, 1 / static_cast<real>(a.heads), mean);
          else
            weigh(a, values, scores, n, packed + h * n * value_panels * kMicroCols, a.use == HeadUse::sum && h > 0,
                  pixels, y + h * values.step_out);
        }
        if (a.use == HeadUse::mean) weigh(a, values, mean, n, packed, false, pixels, y);
      }
  });
}

}  // namespace fu::FU_ISA
