// A 3x3 convolution with a quarter of the multiplications: Winograd's F(4x4, 3x3). source: Lavin and Gray, "Fast
// algorithms for convolutional neural networks" (arXiv 1509.09308)
//
// A tile of 4x4 outputs needs 6x6 inputs d. With the transforms below, Y = A^T [ (G g G^T) * (B^T d B) ] A, where *
// works element by element; summed over channels, each of the 36 elements is a matrix product over tiles. So 36
// products of (tiles, c) x (c, n) take the place of 144. Rounding errors are about 10 times those of a plain sum.
//
// A task is one row of tiles, a run of kTiles tiles at a time: their inputs behind the norm are laid out with a border,
// transformed, multiplied, and transformed back.
#include "core/kernels/declare.h"
#include "core/kernels/gemm_micro.h"
#include "core/kernels/sigmoid.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kTiles = 24;  // a multiple of every target's kMicroRows (4, 6, 12)
constexpr Index kPoints = 36, kSide = 6, kOut = 4;
constexpr Index kBandCols = kOut * kTiles + 2;  // inputs of a run, with the border
static_assert(kTiles % kMicroRows == 0 && kPixelLayerDepth <= kMaxDepth, "runs are whole strips");

constexpr double kWeightTransform[kSide][3] = {{1.0 / 4, 0, 0},
                                               {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                               {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                               {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                               {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                               {0, 0, 1}};

/// B^T applied to 6 vectors, `step` apart.
inline void transform_input(const Vec* d, Index step, Vec* out) {
  const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Vec a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, e = 2 * (d3 - d1);
  out[0] = 4 * d0 - 5 * d2 + d4;
  out[step] = a + b;
  out[2 * step] = a - b;
  out[3 * step] = c + e;
  out[4 * step] = c - e;
  out[5 * step] = 4 * d1 - 5 * d3 + d5;
}

/// A^T applied to 6 vectors, `step` apart; the 4 results are `out_step` apart.
inline void transform_output(const Vec* m, Index step, Vec* out, Index out_step) {
  const Vec a = m[step] + m[2 * step], b = m[step] - m[2 * step], c = m[3 * step] + m[4 * step],
            d = m[3 * step] - m[4 * step];
  out[0] = m[0] + a + c;
  out[out_step] = b + 2 * d;
  out[2 * out_step] = a + 4 * c;
  out[3 * out_step] = b + 8 * d + m[5 * step];
}

/// Position on an axis of n, mirrored at its ends; -1 for zeros, and far behind the end, where nothing is stored.
inline Index source_of(Index i, Index n, bool reflect) {
  if (i >= 0 && i < n) return i;
  if (!reflect || i > n) return -1;
  return i < 0 ? -i : 2 * n - 2 - i;
}

struct Layout {
  Index band, inputs, products, per_worker;
  explicit Layout(const Conv3x3Args& a)
      : band(kSide * kBandCols * round_up(a.c, kLanes)),
        inputs(kPoints * kTiles * kRowStride),
        products(kPoints * kTiles * round_up(a.n, kMicroCols)),
        per_worker(round_up(band + inputs + products, 16)) {}
};

/// f(x) of the inputs of `tiles` tiles, with the border: (6, kBandCols, c rounded up to vectors).
void fill_band(const Conv3x3Args& a, Index top, Index left, Index tiles, real* band) {
  const Index width = round_up(a.c, kLanes);
  const bool silu = a.activation == Activation::silu;
  for (Index u = 0; u < kSide; ++u)
    for (Index v = 0; v < kOut * tiles + 2; ++v) {
      const Index i = source_of(top + u, a.h, a.reflect), j = source_of(left + v, a.w, a.reflect);
      real* out = band + (u * kBandCols + v) * width;
      if (i < 0 || j < 0) {
        for (Index p = 0; p < width; ++p) out[p] = 0;
        continue;
      }
      const real* x = a.x + (i * a.w + j) * a.c;
      for (Index p = 0; p < a.c; p += kLanes) {
        const Index lanes = a.c - p;
        Vec y = load_n(x + p, lanes);
        if (a.scale) y = y * load_n(a.scale + p, lanes) + load_n(a.shift + p, lanes);
        store(out + p, silu ? silu_of_normal(y) : y);
      }
    }
}

/// inputs (36, kTiles, kRowStride) of the band.
void transform_tiles(const real* band, Index c, Index tiles, real* inputs) {
  const Index width = round_up(c, kLanes);
  for (Index t = 0; t < tiles; ++t)
    for (Index p = 0; p < c; p += kLanes) {
      Vec d[kPoints], half[kPoints], all[kSide];
#pragma GCC unroll 6
      for (Index v = 0; v < kSide; ++v) {
#pragma GCC unroll 6
        for (Index u = 0; u < kSide; ++u) d[u * kSide + v] = load(band + (u * kBandCols + kOut * t + v) * width + p);
        transform_input(d + v, kSide, half + v);
      }
#pragma GCC unroll 6
      for (Index u = 0; u < kSide; ++u) {
        transform_input(half + u * kSide, 1, all);
#pragma GCC unroll 6
        for (Index v = 0; v < kSide; ++v) store(inputs + ((u * kSide + v) * kTiles + t) * kRowStride + p, all[v]);
      }
    }
}

/// Outputs of the tiles from products (36, kTiles, n rounded up to panels).
void finish_tiles(const Conv3x3Args& a, const real* products, Index top, Index left, Index tiles) {
  const Index width = round_up(a.n, kMicroCols);
  for (Index t = 0; t < tiles; ++t)
    for (Index p = 0; p < a.n; p += kLanes) {
      Vec m[kPoints], half[kOut * kSide], y[kOut];
#pragma GCC unroll 6
      for (Index v = 0; v < kSide; ++v) {
#pragma GCC unroll 6
        for (Index u = 0; u < kSide; ++u)
          m[u * kSide + v] = load(products + ((u * kSide + v) * kTiles + t) * width + p);
        transform_output(m + v, kSide, half + v, kSide);
      }
      const Vec bias = a.bias ? load_n(a.bias + p, a.n - p) : Vec{};
      const Index j0 = left + kOut * t;
#pragma GCC unroll 4
      for (Index u = 0; u < kOut; ++u) {
        if (top + u >= a.h) break;
        transform_output(half + u * kSide, 1, y, 1);
        for (Index v = 0; v < imin(kOut, a.w - j0); ++v)
          store_n(a.y + ((top + u) * a.w + j0 + v) * a.n + p, y[v] + bias, a.n - p);
      }
    }
}

}  // namespace

Index conv3x3_packed_size(Index c, Index n) { return kPoints * c * round_up(n, kMicroCols); }

void conv3x3_pack(const real* weight, Index c, Index n, real* packed) {
  const Index panel = c * kMicroCols, point = c * round_up(n, kMicroCols);
  parallel_for(round_up(n, kMicroCols), [&](Index j) {
    for (Index p = 0; p < c; ++p) {
      double half[kSide][3];
      for (Index u = 0; u < kSide; ++u)
        for (Index v = 0; v < 3; ++v) {
          half[u][v] = 0;
          for (Index k = 0; k < 3 && j < n; ++k)
            half[u][v] += kWeightTransform[u][k] * static_cast<double>(weight[((j * 3 + k) * 3 + v) * c + p]);
        }
      for (Index u = 0; u < kSide; ++u)
        for (Index v = 0; v < kSide; ++v) {
          double total = 0;
          for (Index k = 0; k < 3; ++k) total += kWeightTransform[v][k] * half[u][k];
          packed[(u * kSide + v) * point + j / kMicroCols * panel + p * kMicroCols + j % kMicroCols] =
              static_cast<real>(total);
        }
    }
  });
}

Index conv3x3_scratch(const Conv3x3Args& a) { return Layout(a).per_worker * a.workers; }

void conv3x3(const Conv3x3Args& a) {
  if (a.n == 0 || a.w == 0) return;
  const Layout at(a);
  const Index point = a.c * round_up(a.n, kMicroCols), width = round_up(a.n, kMicroCols);
  parallel_for(ceil_div(a.h, kOut), a.workers, [&](Index task, int worker) {
    real *band = a.scratch + worker * at.per_worker, *inputs = band + at.band, *products = inputs + at.inputs;
    const Index top = kOut * task;
    for (Index left = 0; left < a.w; left += kOut * kTiles) {
      const Index tiles = imin(kTiles, ceil_div(a.w - left, kOut));
      fill_band(a, top - 1, left - 1, tiles, band);
      transform_tiles(band, a.c, tiles, inputs);
      const Epilogue e{nullptr, Activation::none, false};
      for (Index k = 0; k < kPoints; ++k)
        for (Index j = 0; j < width; j += kMicroCols)
          for (Index t = 0; t < tiles; t += kMicroRows)
            micro_tile_rows(imin(kMicroRows, tiles - t), a.c, inputs + (k * kTiles + t) * kRowStride,
                            a.packed + k * point + j * a.c, products + (k * kTiles + t) * width + j, width, kMicroCols,
                            e);
      finish_tiles(a, products, top, left, tiles);
    }
    if (a.moments)
      for (Index i = top; i < imin(top + kOut, a.h); ++i)
        column_moments(a.y + i * a.w * a.n, a.moments + i * 2 * a.n, a.w, a.n);
  });
}

}  // namespace fu::FU_ISA
