// Steps of a norm whose statistics run over many pixels: sums of columns, and a factor and a shift for each channel.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/kernels/sigmoid.h"

namespace fu::FU_ISA {

namespace {

/// VECTORS neighbouring vectors of columns. Differences from the first row are summed, so that nothing cancels where
/// the values are large and their spread is small.
template <Index VECTORS>
void moments_of_columns(const real* x, Index rows, Index c, Index lanes, real* mean, real* squares) {
  Vec first[VECTORS], sum[VECTORS] = {}, square[VECTORS] = {};
  for (Index j = 0; j < VECTORS; ++j) first[j] = load_n(x + j * kLanes, lanes - j * kLanes);
  for (Index r = 1; r < rows; ++r)
#pragma GCC unroll 4
    for (Index j = 0; j < VECTORS; ++j) {
      const Vec d = load_n(x + r * c + j * kLanes, lanes - j * kLanes) - first[j];
      sum[j] += d;
      square[j] += d * d;
    }
  const real inverse = 1 / static_cast<real>(rows);
  for (Index j = 0; j < VECTORS; ++j) {
    store_n(mean + j * kLanes, first[j] + sum[j] * inverse, lanes - j * kLanes);
    store_n(squares + j * kLanes, vmax(square[j] - sum[j] * sum[j] * inverse, Vec{}), lanes - j * kLanes);
  }
}

}  // namespace

void column_moments(const real* x, real* moments, Index rows, Index c) {
  Index j = 0;
  for (; j + 4 * kLanes <= c; j += 4 * kLanes)
    moments_of_columns<4>(x + j, rows, c, 4 * kLanes, moments + j, moments + c + j);
  for (; j < c; j += kLanes) moments_of_columns<1>(x + j, rows, c, imin(kLanes, c - j), moments + j, moments + c + j);
}

void affine_rows(const real* x, const real* scale, const real* shift, Activation activation, real* y, Index rows,
                 Index c) {
  const bool silu = activation == Activation::silu;
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < c; i += kLanes) {
      const Index lanes = c - i;
      const Vec v = load_n(x + r * c + i, lanes) * load_n(scale + i, lanes) + load_n(shift + i, lanes);
      store_n(y + r * c + i, silu ? silu_of_normal(v) : v, lanes);
    }
}

void affine_rows_sums(const real* x, const real* scale, const real* shift, const real* dy, real* sums, Index rows,
                      Index c) {
  for (Index i = 0; i < c; i += kLanes) {
    const Index lanes = c - i;
    const Vec factor = load_n(scale + i, lanes), offset = load_n(shift + i, lanes);
    Vec total{}, along{};
    for (Index r = 0; r < rows; ++r) {
      const Vec d = load_n(dy + r * c + i, lanes);
      total += d;
      along += d * (load_n(x + r * c + i, lanes) * factor + offset);
    }
    store_n(sums + i, total, lanes);
    store_n(sums + c + i, along, lanes);
  }
}

void affine_rows_backward(const real* x, const real* dy, const real* p, const real* q, const real* r, real* dx,
                          Index rows, Index c) {
  for (Index row = 0; row < rows; ++row)
    for (Index i = 0; i < c; i += kLanes) {
      const Index lanes = c - i, at = row * c + i;
      store_n(dx + at,
              load_n(dy + at, lanes) * load_n(p + i, lanes) + load_n(x + at, lanes) * load_n(q + i, lanes) +
                  load_n(r + i, lanes),
              lanes);
    }
}

}  // namespace fu::FU_ISA
