// Definition of the matrix product.
#include <algorithm>
#include <vector>

#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

double activate(double x, Activation a) {
  switch (a) {
    case Activation::none: return x;
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::gelu: return gelu(x);
    case Activation::quick_gelu: return quick_gelu(x);
    case Activation::tanh_gelu: return tanh_gelu(x);
    case Activation::silu: return silu(x);
  }
  return x;
}

}  // namespace

// A packed B is a plain copy here.
Index gemm_packed_size_ref(Index k, Index n) { return k * n; }

void gemm_pack_ref(const real* b, Index b_row, Index b_col, Index k, Index n, real* packed) {
  write_matrix(doubles(b, k, n, b_row, b_col), packed, n);
}

Index gemm_scratch_ref(const GemmArgs&) { return 0; }

void gemm_ref(const GemmArgs& g) {
  std::vector<real> patches;
  if (g.windows) {
    patches.resize(static_cast<std::size_t>(g.m * g.k));
    const Index image_rows = g.m / std::max<Index>(1, g.windows->cols);
    im2col_ref(g.a, *g.windows, 0, image_rows, patches.data());
  }
  const DoubleMatrix a =
      g.windows ? doubles(patches.data(), g.m, g.k, g.k, 1) : doubles(g.a, g.m, g.k, g.a_row, g.a_col);
  const DoubleMatrix b = g.packed_b ? doubles(g.packed_b, g.k, g.n, g.n, 1) : doubles(g.b, g.k, g.n, g.b_row, g.b_col);
  DoubleMatrix c = a * b;
  if (g.accumulate) c += doubles(g.c, g.m, g.n, g.ldc, 1);
  if (g.bias) c.rowwise() += doubles(g.bias, g.n).matrix();
  write_matrix(c.unaryExpr([&](double x) { return activate(x, g.activation); }), g.c, g.ldc);
}

}  // namespace fu
