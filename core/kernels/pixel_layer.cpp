// A layer on pixels behind a norm and its activation, in one pass over the map: the normalised values go straight into
// the rows that the matrix product reads, and the moments of the result are taken while it is in the cache.
#include "core/kernels/declare.h"
#include "core/kernels/gemm_micro.h"
#include "core/kernels/sigmoid.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kBand = 48 / kMicroRows * kMicroRows;  // pixels whose inputs stay in the first-level cache
static_assert(kPixelLayerDepth <= kMaxDepth, "a row of inputs is one row of the inner loop");

/// Rows of f(x), kRowStride apart.
void fill_rows(const PixelLayerArgs& a, Index first, Index rows, real* out) {
  if (!a.scale) return copy_rows(a.x + first * a.k, a.k, 1, rows, a.k, out);
  const bool silu = a.activation == Activation::silu;
  for (Index r = 0; r < rows; ++r) {
    const real* x = a.x + (first + r) * a.k;
    for (Index i = 0; i < a.k; i += kLanes) {
      const Index lanes = a.k - i;
      const Vec v = load_n(x + i, lanes) * load_n(a.scale + i, lanes) + load_n(a.shift + i, lanes);
      store_n(out + r * kRowStride + i, silu ? silu_of_normal(v) : v, lanes);
    }
  }
}

}  // namespace

Index pixel_layer_scratch() { return kBand * kRowStride; }

void pixel_layer(const PixelLayerArgs& a) {
  if (a.rows == 0) return;
  for (Index first = 0; first < a.rows; first += kBand) {
    const Index rows = imin(kBand, a.rows - first);
    fill_rows(a, first, rows, a.scratch);
    real* y = a.y + first * a.n;
    if (a.residual && a.residual != a.y)
      for (Index i = 0; i < rows * a.n; i += kLanes)
        store_n(y + i, load_n(a.residual + first * a.n + i, rows * a.n - i), rows * a.n - i);
    for (Index j = 0; j < a.n; j += kMicroCols) {
      const Index cols = imin(kMicroCols, a.n - j);
      real bias[kMicroCols] __attribute__((aligned(64))) = {};
      if (a.bias)
        for (Index t = 0; t < cols; ++t) bias[t] = a.bias[j + t];
      const Epilogue e{a.bias ? bias : nullptr, Activation::none, a.residual != nullptr};
      for (Index r = 0; r < rows; r += kMicroRows)
        micro_tile_rows(imin(kMicroRows, rows - r), a.k, a.scratch + r * kRowStride, a.packed_b + j * a.k,
                        y + r * a.n + j, a.n, cols, e);
    }
  }
  if (a.moments) column_moments(a.y, a.moments, a.rows, a.n);
}

}  // namespace fu::FU_ISA
