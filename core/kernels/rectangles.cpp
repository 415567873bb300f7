// Weighted sums over rectangles of images, and the gradients of these.
//
// Rectangles overlap: the windows of ten views of one map cover every pixel fifty times. So the images are cut into
// tiles. For each tile, the weights of all rectangles that meet it become one dense matrix (rectangles, pixels), zero
// outside a rectangle. The sums are then a matrix product with the tile's feature vectors, and so are both gradients;
// each feature vector is read once. Part of the matrix is zeros, but the product is many times faster than gathering
// the vectors of one rectangle after another.
#include "core/kernels/declare.h"
#include "core/kernels/gemm_micro.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kTile = kTileRows * kTileCols;  // pixels; at most kMaxDepth
constexpr Index kMost = 96;                     // rectangles at a time
constexpr Index kChannels = 32;                 // channels of a task of the forward sums
constexpr Index kTilesAtOnce = 4;               // that such a task walks over before all wait for each other

/// A tile of the images, and the rectangles that meet it.
struct Tile {
  Index top, left, rows, cols, first, last;  // rectangles: tile_items[first, last)
  Index image;

  Tile(const RectangleArgs& g, Index t) {
    const Index across = ceil_div(g.w, kTileCols), down = ceil_div(g.h, kTileRows);
    image = t / (across * down);
    top = t / across % down * kTileRows, left = t % across * kTileCols;
    rows = imin(kTileRows, g.h - top), cols = imin(kTileCols, g.w - left);
    first = g.tile_begin[t], last = g.tile_begin[t + 1];
  }
  const real* pixel(const RectangleArgs& g, const real* x, Index row, Index col) const {
    return x + ((image * g.h + top + row) * g.w + left + col) * g.c;
  }
};

Index tile_count(const RectangleArgs& g) { return g.batch * ceil_div(g.w, kTileCols) * ceil_div(g.h, kTileRows); }

/// Calls f(row of the tile, first column, count, weights) for every row of a rectangle inside the tile.
template <class Weights, class F>
inline void each_run(const Rectangle& r, const Tile& t, Weights* weights, const F& f) {
  const Index row0 = imax(r.top, t.top), row1 = imin(r.top + r.rows, t.top + t.rows);
  const Index col0 = imax(r.left, t.left), col1 = imin(r.left + r.cols, t.left + t.cols);
  for (Index row = row0; row < row1; ++row)
    f(row - t.top, col0 - t.left, col1 - col0, weights + r.weights + (row - r.top) * r.cols + col0 - r.left);
}

/// The weights of some rectangles inside a tile as a dense matrix (count, kTile), rows kRowStride apart.
void dense_weights(const RectangleArgs& g, const Tile& t, Index first, Index count, const real* weights, real* dense) {
  for (Index i = 0; i < count; ++i) {
    real* out = dense + i * kRowStride;
    for (Index p = 0; p < kTile; p += kLanes) store(out + p, Vec{});
    each_run(g.items[g.tile_items[first + i]], t, weights, [&](Index row, Index col, Index n, const real* w) {
      for (Index q = 0; q < n; ++q) out[row * kTileCols + col + q] = w[q];
    });
  }
}

/// One row of a panel: n values, then zeros.
inline void pack_row(const real* in, Index n, real* out) {
  for (Index j = 0; j < kMicroCols; j += kLanes) store(out + j, load_n(in + j, imax(0, n - j)));
}

/// A panel whose columns are the given vectors. Squares of kLanes x kLanes are transposed in registers.
void pack_columns(const real* const* columns, Index depth, real* panel) {
  for (Index p = 0; p < kMicroCols; p += kLanes) {
    Index k = 0;
    for (; k + kLanes <= depth; k += kLanes) {
      Vec square[kLanes];
#pragma GCC unroll 16
      for (Index i = 0; i < kLanes; ++i) square[i] = load(columns[p + i] + k);
      transpose(square);
#pragma GCC unroll 16
      for (Index i = 0; i < kLanes; ++i) store(panel + (k + i) * kMicroCols + p, square[i]);
    }
    for (; k < depth; ++k)
      for (Index i = 0; i < kLanes; ++i) panel[k * kMicroCols + p + i] = columns[p + i][k];
  }
}

// Kernels for one channel, where plain loops are faster than a matrix product.

void single_sums(const real* x, const real* weights, real* y, const RectangleArgs& g) {
  parallel_ranges(g.count, 16, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const Rectangle& r = g.items[n];
      Vec total{};
      for (Index i = 0; i < r.rows; ++i) {
        const real *in = x + (r.image * g.h + r.top + i) * g.w + r.left, *w = weights + r.weights + i * r.cols;
        for (Index j = 0; j < r.cols; j += kLanes) total += load_n(in + j, r.cols - j) * load_n(w + j, r.cols - j);
      }
      y[n] = hsum(total);
    }
  });
}

void single_backward_input(const real* weights, const real* dy, real* dx, bool accumulate, const RectangleArgs& g) {
  parallel_for(tile_count(g), [&](Index tile) {
    const Tile t(g, tile);
    real* const corner = dx + (t.pixel(g, weights, 0, 0) - weights);
    for (Index row = 0; !accumulate && row < t.rows; ++row)
      for (Index col = 0; col < t.cols; ++col) corner[row * g.w + col] = 0;
    for (Index i = t.first; i < t.last; ++i)
      each_run(g.items[g.tile_items[i]], t, weights, [&](Index row, Index col, Index n, const real* w) {
        for (Index q = 0; q < n; ++q) corner[row * g.w + col + q] += dy[g.tile_items[i]] * w[q];
      });
  });
}

void single_products(const real* x, const real* v, real* products, const RectangleArgs& g) {
  parallel_ranges(g.count, 16, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const Rectangle& r = g.items[n];
      for (Index i = 0; i < r.rows; ++i) {
        const real* in = x + (r.image * g.h + r.top + i) * g.w + r.left;
        real* out = products + r.weights + i * r.cols;
        for (Index j = 0; j < r.cols; ++j) out[j] = v[n] * in[j];
      }
    }
  });
}

}  // namespace

Index rectangle_scratch(const RectangleArgs& g) {
  const Index panels = ceil_div(g.c, kMicroCols);
  return g.workers *
         (kMost * kRowStride + imax(imax(kTile, kMost) * panels * kMicroCols, kMost * kTile + kMaxDepth * kMicroCols) +
          kMost * kMicroCols);
}

namespace {

/// Adds the parts of all rectangles that lie in one tile to channels [c0, c1) of y. scratch: rectangle_scratch of one
/// worker.
void add_tile_sums(const real* x, const real* weights, real* y, const RectangleArgs& g, const Tile& t, Index c0,
                   Index c1, real* scratch) {
  real *dense = scratch, *panel = dense + kMost * kRowStride, *part = panel + kTile * kMicroCols;
  for (Index first = t.first; first < t.last; first += kMost) {
    const Index count = imin(kMost, t.last - first);
    dense_weights(g, t, first, count, weights, dense);
    for (Index c = c0; c < c1; c += kMicroCols) {
      const Index n = imin(kMicroCols, c1 - c);
      for (Index row = 0; row < kTileRows; ++row)
        for (Index col = 0; col < kTileCols; ++col) {
          const bool inside = row < t.rows && col < t.cols;
          pack_row(inside ? t.pixel(g, x, row, col) + c : x, inside ? n : 0,
                   panel + (row * kTileCols + col) * kMicroCols);
        }
      for (Index i = 0; i < count; i += kMicroRows)
        micro_tile_rows(imin(kMicroRows, count - i), t.rows * kTileCols, dense + i * kRowStride, panel,
                        part + i * kMicroCols, kMicroCols, kMicroCols, Epilogue{nullptr, Activation::none, false});
      for (Index i = 0; i < count; ++i) {
        real* out = y + g.tile_items[first + i] * g.c + c;
        for (Index j = 0; j < n; j += kLanes)
          store_n(out + j, load_n(out + j, n - j) + load(part + i * kMicroCols + j), n - j);
      }
    }
  }
}

}  // namespace

void rectangle_sums(const real* x, const real* weights, real* y, const RectangleArgs& g) {
  if (g.c == 1) return single_sums(x, weights, y, g);
  const Index tiles = tile_count(g), groups = ceil_div(g.c, kChannels),
              worker_scratch = rectangle_scratch(g) / g.workers;
  // Sums run over all tiles in order, so tasks share out the channels. The tasks of a few tiles take about a
  // millisecond: those of all tiles would make everybody wait long for a thread whose core another process has taken.
  for (Index begin = 0; begin == 0 || begin < tiles; begin += kTilesAtOnce)
    parallel_for(groups, g.workers, [&](Index group, int worker) {
      const Index c0 = group * kChannels, c1 = imin(c0 + kChannels, g.c);
      for (Index i = 0; begin == 0 && i < g.count; ++i)
        for (Index c = c0; c < c1; ++c) y[i * g.c + c] = 0;
      for (Index tile = begin; tile < imin(tiles, begin + kTilesAtOnce); ++tile)
        add_tile_sums(x, weights, y, g, Tile(g, tile), c0, c1, g.scratch + worker * worker_scratch);
    });
}

void rectangle_sums_backward_input(const real* weights, const real* dy, real* dx, bool accumulate,
                                   const RectangleArgs& g) {
  if (g.c == 1) return single_backward_input(weights, dy, dx, accumulate, g);
  const Index panels = ceil_div(g.c, kMicroCols), worker_scratch = rectangle_scratch(g) / g.workers;
  parallel_for(tile_count(g), g.workers, [&](Index tile, int worker) {
    const Tile t(g, tile);
    real *across = g.scratch + worker * worker_scratch, *packed = across + kMost * kRowStride;
    for (Index first = t.first; first < t.last || first == t.first; first += kMost) {
      const Index count = imin(kMost, t.last - first);
      for (Index i = 0; i < count; ++i)
        for (Index j = 0; j < panels; ++j)
          pack_row(dy + g.tile_items[first + i] * g.c + j * kMicroCols, g.c - j * kMicroCols,
                   packed + (j * kMost + i) * kMicroCols);
      for (Index row = 0; row < t.rows; ++row) {
        // (pixels of one row of the tile, rectangles): the transpose of dense_weights.
        for (Index p = 0; p < kTileCols; ++p)
          for (Index i = 0; i < count; i += kLanes) store(across + p * kRowStride + i, Vec{});
        for (Index i = 0; i < count; ++i) {
          const Rectangle& r = g.items[g.tile_items[first + i]];
          const Index y = t.top + row - r.top;
          if (y < 0 || y >= r.rows) continue;
          const Index col0 = imax(r.left, t.left), col1 = imin(r.left + r.cols, t.left + t.cols);
          const real* w = weights + r.weights + y * r.cols - r.left;
          for (Index col = col0; col < col1; ++col) across[(col - t.left) * kRowStride + i] = w[col];
        }
        real* out = dx + (t.pixel(g, weights, row, 0) - weights);
        for (Index j = 0; j < panels; ++j)
          for (Index p = 0; p < t.cols; p += kMicroRows)
            micro_tile_rows(imin(kMicroRows, t.cols - p), count, across + p * kRowStride,
                            packed + j * kMost * kMicroCols, out + p * g.c + j * kMicroCols, g.c,
                            imin(kMicroCols, g.c - j * kMicroCols),
                            Epilogue{nullptr, Activation::none, accumulate || first > t.first});
      }
    }
  });
}

void rectangle_products(const real* x, const real* v, real* products, const RectangleArgs& g) {
  if (g.c == 1) return single_products(x, v, products, g);
  const Index worker_scratch = rectangle_scratch(g) / g.workers;
  parallel_for(tile_count(g), g.workers, [&](Index tile, int worker) {
    const Tile t(g, tile);
    real *rows = g.scratch + worker * worker_scratch, *result = rows + kMost * kRowStride,
         *panel = result + kMost * kTile;
    for (Index first = t.first; first < t.last; first += kMost) {
      const Index count = imin(kMost, t.last - first);
      for (Index k0 = 0; k0 < g.c; k0 += kMaxDepth) {
        const Index depth = imin(kMaxDepth, g.c - k0);
        for (Index i = 0; i < count; ++i)
          copy_rows(v + g.tile_items[first + i] * g.c + k0, g.c, 1, 1, depth, rows + i * kRowStride);
        for (Index p0 = 0; p0 < t.rows * kTileCols; p0 += kMicroCols) {
          const real* pixels[kMicroCols];
          for (Index p = 0; p < kMicroCols; ++p) {
            // A pixel outside the image gives a column that is not read; the nearest pixel inside stands in for it.
            const Index row = (p0 + p) / kTileCols, col = (p0 + p) % kTileCols;
            pixels[p] = t.pixel(g, x, imin(row, t.rows - 1), imin(col, t.cols - 1)) + k0;
          }
          pack_columns(pixels, depth, panel);
          for (Index i = 0; i < count; i += kMicroRows)
            micro_tile_rows(imin(kMicroRows, count - i), depth, rows + i * kRowStride, panel, result + i * kTile + p0,
                            kTile, kMicroCols, Epilogue{nullptr, Activation::none, k0 > 0});
        }
      }
      for (Index i = 0; i < count; ++i)
        each_run(g.items[g.tile_items[first + i]], t, products, [&](Index row, Index col, Index n, real* out) {
          for (Index q = 0; q < n; ++q) out[q] = result[i * kTile + row * kTileCols + col + q];
        });
    }
  });
}

}  // namespace fu::FU_ISA
