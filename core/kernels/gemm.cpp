// Matrix product with fused bias, activation and residual.
//
// B is packed into panels of kMicroCols columns (k, kMicroCols), so that the inner loop reads it in order. Weights that
// are used many times are packed once. A task copies its rows of A to a distance at which they do not compete for cache
// sets, and multiplies them with its panels. k is cut into blocks, so that a panel stays in the first-level cache.
// Neither cut depends on the number of threads, and every output is summed in the order of k. So results have the same
// bits for any number of threads.
//
// Weights of 16 bits are widened a panel at a time, each time that a task takes the panel: with 96 rows of A, that is a
// few percent of the work on it. Where the processor multiplies numbers in bf16, rows of A are rounded to them instead.
#include "core/kernels/declare.h"
#include "core/kernels/int8.h"
#include "core/kernels/narrow.h"
#include "core/kernels/windows.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kStripsPerTask = 96 / kMicroRows;  // rows of a task, in strips of kMicroRows
constexpr Index kPanelsPerTask = 16;               // columns of a task, in panels

void pack_panel(const real* b, Index b_row, Index b_col, Index k, Index cols, real* packed) {
  if (b_col == 1 && cols == kMicroCols) {
    for (Index p = 0; p < k; ++p)
      for (Index j = 0; j < kMicroVectors; ++j)
        store(packed + p * kMicroCols + j * kLanes, load(b + p * b_row + j * kLanes));
    return;
  }
  // Column after column in runs of 16 rows, so that both sides stay in the cache.
  for (Index p0 = 0; p0 < k; p0 += 16) {
    const Index p1 = imin(p0 + 16, k);
    for (Index j = 0; j < cols; ++j)
      for (Index p = p0; p < p1; ++p) packed[p * kMicroCols + j] = b[p * b_row + j * b_col];
    for (Index j = cols; j < kMicroCols; ++j)
      for (Index p = p0; p < p1; ++p) packed[p * kMicroCols + j] = 0;
  }
}

}  // namespace

Index gemm_packed_size(Index k, Index n) { return k * round_up(n, kMicroCols); }

void gemm_pack(const real* b, Index b_row, Index b_col, Index k, Index n, real* packed) {
  // Order: blocks of k, in each block its panels. The block that begins at row p0 lies at p0 * (n rounded up).
  const Index depth = depth_block(k), panels = ceil_div(n, kMicroCols), blocks = ceil_div(k, depth);
  parallel_for(blocks * panels, [&](Index task) {
    const Index p0 = task / panels * depth, j = task % panels;
    const Index kb = imin(depth, k - p0);
    pack_panel(b + p0 * b_row + j * kMicroCols * b_col, b_row, b_col, kb, imin(kMicroCols, n - j * kMicroCols),
               packed + p0 * panels * kMicroCols + j * kMicroCols * kb);
  });
}

namespace {

// A small result of long sums, as the gradient of a layer's weights, has too few tiles for all threads. There k is cut
// into parts, each part is summed into a result of its own, and the results are added in order. Rows of A are then
// copied once, and threads wait for each other once.
constexpr Index kSplitDepth = 192;  // packed B of this depth stays in the second-level cache beside A

struct SplitK {
  Index parts = 0, part = 0, padded_n = 0, worker = 0;  // 0 parts: the product is not of this kind
  explicit SplitK(const GemmArgs& g) {
    if (g.packed_b || g.narrow_type != NarrowType::none || g.k < 8192) return;
    if (g.m * g.n > 131072 || g.k < 8 * imax(g.m, g.n)) return;
    parts = imin(16, g.k / 2048);
    part = round_up(ceil_div(g.k, parts), kSplitDepth);
    parts = ceil_div(g.k, part);
    padded_n = round_up(g.n, kMicroCols);
    worker = kSplitDepth * padded_n + kStripsPerTask * kMicroRows * kRowStride;
  }
  Index scratch(const GemmArgs& g) const { return parts * g.m * g.n + worker * g.workers; }
};

void gemm_split(const GemmArgs& g, const SplitK& split) {
  real* const results = g.scratch;
  real* const workers = g.scratch + split.parts * g.m * g.n;
  parallel_for(split.parts, g.workers, [&](Index part, int worker) {
    real *packed = workers + worker * split.worker, *rows = packed + kSplitDepth * split.padded_n,
         *c = results + part * g.m * g.n;
    const Index begin = part * split.part, end = imin(g.k, begin + split.part);
    for (Index p0 = begin; p0 < end; p0 += kSplitDepth) {
      const Index kb = imin(kSplitDepth, end - p0);
      for (Index j = 0; j < g.n; j += kMicroCols)
        pack_panel(g.b + p0 * g.b_row + j * g.b_col, g.b_row, g.b_col, kb, imin(kMicroCols, g.n - j), packed + j * kb);
      const Epilogue e{nullptr, Activation::none, p0 > begin};
      for (Index r0 = 0; r0 < g.m; r0 += kStripsPerTask * kMicroRows) {
        const Index r1 = imin(g.m, r0 + kStripsPerTask * kMicroRows);
        copy_rows(g.a + r0 * g.a_row + p0 * g.a_col, g.a_row, g.a_col, r1 - r0, kb, rows);
        for (Index j = 0; j < g.n; j += kMicroCols)
          for (Index r = r0; r < r1; r += kMicroRows)
            micro_tile_rows(imin(kMicroRows, r1 - r), kb, rows + (r - r0) * kRowStride, packed + j * kb,
                            c + r * g.n + j, g.n, imin(kMicroCols, g.n - j), e);
      }
    }
  });
  parallel_for(g.m, [&](Index i) {
    for (Index j = 0; j < g.n; j += kLanes) {
      const Index lanes = g.n - j;
      Vec total = g.accumulate ? load_n(g.c + i * g.ldc + j, lanes) : Vec{};
      for (Index part = 0; part < split.parts; ++part) total += load_n(results + (part * g.m + i) * g.n + j, lanes);
      if (g.bias) total += load_n(g.bias + j, lanes);
      store_n(g.c + i * g.ldc + j, activate(total, g.activation), lanes);
    }
  });
}

}  // namespace

Index gemm_scratch(const GemmArgs& g) {
  if (g.narrow_type == NarrowType::int8) return int8_product_scratch(g);
  const SplitK split(g);
  if (split.parts > 1) return split.scratch(g);
  const Index rows = kStripsPerTask * kMicroRows * kRowStride * g.workers;
  if (g.narrow_type != NarrowType::none) return rows + kPanelSize * g.workers;
  return rows + (g.packed_b ? 0 : depth_block(g.k) * round_up(g.n, kMicroCols));
}

void gemm(const GemmArgs& g) {
  if (g.m == 0 || g.n == 0) return;
  if (g.narrow_type == NarrowType::int8) return int8_product(g);
  const SplitK split(g);
  if (split.parts > 1) return gemm_split(g, split);
  const Index depth = depth_block(g.k), panels = ceil_div(g.n, kMicroCols), padded_n = panels * kMicroCols;
  const Index strips = ceil_div(g.m, kMicroRows);
  // Tasks of about equal size: rows are cut first, into an even number of blocks; columns too if that gives fewer than
  // 8 tasks.
  const Index row_blocks = ceil_div(strips, kStripsPerTask),
              row_tasks = row_blocks > 1 ? imin(strips, round_up(row_blocks, 2)) : 1;
  const Index strips_per_task = ceil_div(strips, row_tasks);
  const Index col_tasks = imax(ceil_div(panels, kPanelsPerTask), imin(panels, ceil_div(8, row_tasks)));
  const Index panels_per_task = ceil_div(panels, col_tasks);
  real* const rows_scratch = g.scratch;
  const bool narrow = g.narrow_type != NarrowType::none, bf16 = multiplies_bf16(g.narrow_type);
  // Behind the rows: B packed, or a panel of narrow B for each worker.
  real* const packed_scratch = g.scratch + kStripsPerTask * kMicroRows * kRowStride * g.workers;

  for (Index p0 = 0; p0 == 0 || p0 < g.k; p0 += depth) {
    const Index kb = imin(depth, g.k - p0);
    const bool first = p0 == 0, last = p0 + kb >= g.k;
    const real* packed = g.packed_b ? g.packed_b + p0 * padded_n : packed_scratch;
    if (!g.packed_b && !narrow)
      parallel_for(panels, [&](Index j) {
        pack_panel(g.b + p0 * g.b_row + j * kMicroCols * g.b_col, g.b_row, g.b_col, kb,
                   imin(kMicroCols, g.n - j * kMicroCols), packed_scratch + j * kMicroCols * kb);
      });

    parallel_for(row_tasks * col_tasks, g.workers, [&](Index task, int worker) {
      const Index s0 = task / col_tasks * strips_per_task, s1 = imin(s0 + strips_per_task, strips);
      const Index j0 = task % col_tasks * panels_per_task, j1 = imin(j0 + panels_per_task, panels);
      const Index first_row = s0 * kMicroRows;
      real* a = rows_scratch + worker * kStripsPerTask * kMicroRows * kRowStride;
      const Index rows = imin(s1 * kMicroRows, g.m) - first_row;
      if (g.windows)
        copy_windows(g.a, *g.windows, first_row, rows, p0, kb, a);
      else
        copy_rows(g.a + first_row * g.a_row + p0 * g.a_col, g.a_row, g.a_col, rows, kb, a);
      if (bf16) round_to_bf16(rows, kb, a);
      for (Index j = j0; j < j1; ++j) {
        const Index cols = imin(kMicroCols, g.n - j * kMicroCols);
        real bias[kMicroCols] __attribute__((aligned(64))) = {};
        if (g.bias && last)
          for (Index t = 0; t < cols; ++t) bias[t] = g.bias[j * kMicroCols + t];
        const Epilogue e{g.bias && last ? bias : nullptr, last ? g.activation : Activation::none,
                         !first || g.accumulate};
        if (bf16) {
          real scale[kMicroCols] __attribute__((aligned(64)));
          column_scales(g, j, scale);
          const Index length = halves_length(g.narrow_type, kb);
          const auto* numbers = static_cast<const std::int16_t*>(g.narrow_b) + p0 * padded_n + j * kMicroCols * length;
          for (Index s = s0; s < s1; ++s)
            bf16_tile_rows<Bf16>(imin(kMicroRows, g.m - s * kMicroRows), length, a + (s - s0) * kMicroRows * kRowStride,
                                 numbers, scale, g.c + s * kMicroRows * g.ldc + j * kMicroCols, g.ldc, cols, e);
          continue;
        }
        const real* panel = packed + j * kMicroCols * kb;
        if (narrow) {
          real* const wide = packed_scratch + worker * kPanelSize;
          widen_panel(g, p0, kb, j, wide);
          panel = wide;
        }
        for (Index s = s0; s < s1; ++s) {
          real* c = g.c + s * kMicroRows * g.ldc + j * kMicroCols;
          micro_tile_rows(imin(kMicroRows, g.m - s * kMicroRows), kb, a + (s - s0) * kMicroRows * kRowStride, panel, c,
                          g.ldc, cols, e);
        }
      }
    });
  }
}

}  // namespace fu::FU_ISA
