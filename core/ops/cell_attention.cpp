#include "core/ops/cell_attention.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"

namespace fu {

namespace {

/// Pixels of a rectangle are worked on by one thread, so long runs of rows are cut.
constexpr Index kMostRows = 8;

/// Runs of neighbouring pixels whose cells [first(i), last(i)) are the same, of at most `most`.
template <class F>
std::vector<CellRun> runs(Index n, Index most, const F& cells) {
  std::vector<CellRun> all;
  for (Index i = 0; i < n; ++i) {
    CellRun run = cells(i);
    run.begin = i, run.end = i + 1;
    const bool same =
        !all.empty() && all.back().first == run.first && all.back().last == run.last && i - all.back().begin < most;
    if (same)
      all.back().end = i + 1;
    else
      all.push_back(run);
  }
  return all;
}

template <class F>
CellWindows windows_of(Index height, Index width, Index h, Index w, const F& cells) {
  require<ShapeError>(height >= 1 && width >= 1 && h >= 1 && w >= 1, "[cell_attention] ", height, "x", width,
                      " pixels, ", h, "x", w, " cells: must be positive.");
  return {height,
          width,
          h,
          w,
          runs(height, kMostRows, [&](Index i) { return cells(i, height, h); }),
          runs(width, width, [&](Index j) { return cells(j, width, w); })};
}

}  // namespace

CellWindows all_cells(Index height, Index width, Index h, Index w) {
  return windows_of(height, width, h, w, [](Index, Index, Index cells) { return CellRun{0, 0, 0, cells}; });
}

CellWindows cells_within(Index height, Index width, Index h, Index w, float ratio) {
  return windows_of(height, width, h, w, [ratio](Index i, Index n, Index cells) {
    const float centre = (static_cast<float>(i) + 0.5f) / static_cast<float>(n), count = static_cast<float>(cells);
    const float low = std::min(std::max(centre - ratio, 0.0f), 1.0f),
                high = std::min(std::max(centre + ratio, 0.0f), 1.0f);
    CellRun run;
    run.first = std::clamp<Index>(static_cast<Index>(std::floor(low * count)), 0, cells - 1);
    run.last = std::clamp<Index>(static_cast<Index>(std::ceil(high * count)), run.first + 1, cells);
    return run;
  });
}

CellWindows nearest_cells(Index height, Index width, Index h, Index w, Index n) {
  return windows_of(height, width, h, w, [n](Index i, Index pixels, Index cells) {
    const Index size = std::min(n, cells), under = (2 * i + 1) * cells / (2 * pixels);
    CellRun run;
    run.first = std::clamp<Index>(under - n / 2, 0, cells - size);
    run.last = run.first + size;
    return run;
  });
}

CellAttentionArgs cell_attention_args(const Tensor& q, const Tensor& k, const Tensor& v, const CellWindows& windows,
                                      Index heads, HeadUse use) {
  const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4 && heads >= 1;
  require<ShapeError>(ranks && q.dim(0) == 1 && q.dim(1) == windows.height && q.dim(2) == windows.width &&
                          k.dim(0) == 1 && k.dim(1) == windows.h && k.dim(2) == windows.w && q.dim(3) == k.dim(3) &&
                          k.dim(3) % heads == 0 && k.dim(3) / heads <= kPixelLayerDepth &&
                          v.dim(0) == (use == HeadUse::sum ? heads : 1) && v.dim(1) == windows.h &&
                          v.dim(2) == windows.w && (use != HeadUse::groups || v.dim(3) % heads == 0),
                      "[cell_attention] q ", q.shape(), ", k ", k.shape(), ", v ", v.shape(), ", ", heads,
                      " heads, windows of ", windows.height, "x", windows.width, " pixels on ", windows.h, "x",
                      windows.w, " cells: must be (1,pixels,heads*d), (1,cells,heads*d), d at most ", kPixelLayerDepth,
                      ", and (1,cells,C), or (heads,cells,C) where heads are summed; C a multiple of the heads where "
                      "they have groups.");
  CellAttentionArgs args;
  args.rows = windows.height, args.cols = windows.width, args.h = windows.h, args.w = windows.w;
  args.heads = heads, args.head_dim = k.dim(3) / heads, args.c = v.dim(3), args.use = use;
  args.scale = static_cast<real>(1 / std::sqrt(static_cast<double>(args.head_dim)));
  args.row_runs = windows.rows.data(), args.row_count = static_cast<Index>(windows.rows.size());
  args.col_runs = windows.cols.data(), args.col_count = static_cast<Index>(windows.cols.size());
  args.q = q.data(), args.k = k.data(), args.v = v.data();
  return args;
}

Tensor cell_attention(const Tensor& q, const Tensor& k, const Tensor& v, const CellWindows& windows, Index heads,
                      HeadUse use) {
  CellAttentionArgs args = cell_attention_args(q, k, v, windows, heads, use);
  Tensor y({1, windows.height, windows.width, args.c});
  Tensor scratch({std::max<Index>(1, kernels().cell_attention_scratch(args))});
  args.y = y.data(), args.scratch = scratch.data();
  kernels().cell_attention(args);
  return y;
}

}  // namespace fu
