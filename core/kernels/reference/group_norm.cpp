// Definitions of the steps of group norm, and of layers on pixels and a 3x3 convolution behind a norm.
#include <vector>

#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

void column_moments_ref(const real* x, real* moments, Index rows, Index c) {
  for (Index i = 0; i < c; ++i) {
    const DoubleRow column = doubles(x + i, rows, c);
    moments[i] = static_cast<real>(column.mean());
    moments[c + i] = static_cast<real>((column - column.mean()).square().sum());
  }
}

void affine_rows_ref(const real* x, const real* scale, const real* shift, Activation activation, real* y, Index rows,
                     Index c) {
  for (Index i = 0; i < rows * c; ++i) {
    const double v = double(x[i]) * double(scale[i % c]) + double(shift[i % c]);
    y[i] = static_cast<real>(activation == Activation::silu ? silu(v) : v);
  }
}

void affine_rows_sums_ref(const real* x, const real* scale, const real* shift, const real* dy, real* sums, Index rows,
                          Index c) {
  for (Index i = 0; i < c; ++i) {
    const DoubleRow d = doubles(dy + i, rows, c);
    sums[i] = static_cast<real>(d.sum());
    sums[c + i] = static_cast<real>((d * (doubles(x + i, rows, c) * double(scale[i]) + double(shift[i]))).sum());
  }
}

void affine_rows_backward_ref(const real* x, const real* dy, const real* p, const real* q, const real* r, real* dx,
                              Index rows, Index c) {
  for (Index i = 0; i < rows * c; ++i)
    dx[i] = static_cast<real>(double(dy[i]) * double(p[i % c]) + double(x[i]) * double(q[i % c]) + double(r[i % c]));
}

Index pixel_layer_scratch_ref() { return 0; }

void pixel_layer_ref(const PixelLayerArgs& a) {
  std::vector<real> in(a.x, a.x + a.rows * a.k);
  if (a.scale) affine_rows_ref(a.x, a.scale, a.shift, a.activation, in.data(), a.rows, a.k);
  DoubleMatrix y = doubles(in.data(), a.rows, a.k, a.k, 1) * doubles(a.packed_b, a.k, a.n, a.n, 1);
  if (a.residual) y += doubles(a.residual, a.rows, a.n, a.n, 1);
  if (a.bias) y.rowwise() += doubles(a.bias, a.n).matrix();
  write_matrix(y, a.y, a.n);
  if (a.moments) column_moments_ref(a.y, a.moments, a.rows, a.n);
}

// Packed weights are a plain copy here.
Index conv3x3_packed_size_ref(Index c, Index n) { return 9 * c * n; }

void conv3x3_pack_ref(const real* weight, Index c, Index n, real* packed) {
  for (Index i = 0; i < 9 * c * n; ++i) packed[i] = weight[i];
}

Index conv3x3_scratch_ref(const Conv3x3Args&) { return 0; }

void conv3x3_ref(const Conv3x3Args& a) {
  std::vector<real> in(a.x, a.x + a.h * a.w * a.c);
  if (a.scale) affine_rows_ref(a.x, a.scale, a.shift, a.activation, in.data(), a.h * a.w, a.c);
  const auto mirrored = [&](Index i, Index n) { return i < 0 ? -i : i < n ? i : 2 * n - 2 - i; };
  const auto inside = [](Index i, Index n) { return i >= 0 && i < n; };
  for (Index i = 0; i < a.h; ++i)
    for (Index j = 0; j < a.w; ++j) {
      DoubleRow y = DoubleRow::Zero(a.n);
      if (a.bias) y = doubles(a.bias, a.n);
      for (Index tap = 0; tap < 9; ++tap) {
        const Index r = i + tap / 3 - 1, q = j + tap % 3 - 1;
        if (!a.reflect && (!inside(r, a.h) || !inside(q, a.w))) continue;
        const DoubleRow x = doubles(in.data() + (mirrored(r, a.h) * a.w + mirrored(q, a.w)) * a.c, a.c);
        y += (doubles(a.packed + tap * a.c, a.n, a.c, 9 * a.c, 1) * x.matrix().transpose()).transpose().array();
      }
      write_row(y, a.y + (i * a.w + j) * a.n);
    }
  for (Index i = 0; a.moments && i < a.h; ++i)
    column_moments_ref(a.y + i * a.w * a.n, a.moments + i * 2 * a.n, a.w, a.n);
}

}  // namespace fu
