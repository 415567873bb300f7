// Definition of the matrix product.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "core/files/number_type.h"
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

// And so is a narrow one, of rows (n,k).
Index narrow_packed_size_ref(NarrowType type, Index k, Index n) {
  const Index bytes = (type == NarrowType::int8 ? 1 : 2) * k * n, size = static_cast<Index>(sizeof(real));
  return (bytes + size - 1) / size;
}

void narrow_pack_ref(NarrowType type, const void* rows, Index k, Index n, void* packed) {
  const Index bytes = (type == NarrowType::int8 ? 1 : 2) * k * n;
  if (bytes > 0) std::memcpy(packed, rows, usize(bytes));
}

Index gemm_scratch_ref(const GemmArgs&) { return 0; }

namespace {

/// Narrow numbers as they are, without their scale.
DoubleMatrix narrow_numbers(const GemmArgs& g) {
  DoubleMatrix b(g.k, g.n);
  for (Index j = 0; j < g.n; ++j)
    for (Index p = 0; p < g.k; ++p) {
      if (g.narrow_type == NarrowType::int8) {
        b(p, j) = static_cast<const std::int8_t*>(g.narrow_b)[j * g.k + p];
        continue;
      }
      const std::uint16_t bits = static_cast<const std::uint16_t*>(g.narrow_b)[j * g.k + p];
      const unsigned char bytes[] = {static_cast<unsigned char>(bits & 255), static_cast<unsigned char>(bits >> 8)};
      real number = 0;
      to_reals(g.narrow_type == NarrowType::f16 ? DType::f16 : DType::bf16, bytes, 1, &number);
      b(p, j) = static_cast<double>(number);
    }
  return b;
}

/// Each row rounded to whole numbers times the largest power of 2 (of at most 100) that keeps them within the limit. A
/// row that holds infinity or NaN becomes NaN.
DoubleMatrix rounded_rows(DoubleMatrix a) {
  const auto limit = static_cast<double>(int8_activation_limit(a.cols()));
  for (Index i = 0; i < a.rows(); ++i) {
    if (!a.row(i).allFinite()) {
      a.row(i).setConstant(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const double largest = a.cols() > 0 ? a.row(i).cwiseAbs().maxCoeff() : 0;
    int exponent = 100;
    while (std::ldexp(largest, exponent) > limit) --exponent;
    for (Index p = 0; p < a.cols(); ++p) a(i, p) = std::ldexp(std::nearbyint(std::ldexp(a(i, p), exponent)), -exponent);
  }
  return a;
}

/// B as it is multiplied: of int8 whole numbers, whose scale is applied to the sums.
DoubleMatrix matrix_b(const GemmArgs& g) {
  if (g.packed_b) return doubles(g.packed_b, g.k, g.n, g.n, 1);
  if (g.narrow_type == NarrowType::none) return doubles(g.b, g.k, g.n, g.b_row, g.b_col);
  DoubleMatrix b = narrow_numbers(g);
  if (g.narrow_type != NarrowType::int8 && g.narrow_scale)
    for (Index j = 0; j < g.n; ++j)
      for (Index p = 0; p < g.k; ++p) b(p, j) = static_cast<double>(static_cast<real>(b(p, j)) * g.narrow_scale[j]);
  return b;
}

}  // namespace

void gemm_ref(const GemmArgs& g) {
  std::vector<real> patches;
  if (g.windows) {
    patches.resize(static_cast<std::size_t>(g.m * g.k));
    const Index image_rows = g.m / std::max<Index>(1, g.windows->cols);
    im2col_ref(g.a, *g.windows, 0, image_rows, patches.data());
  }
  DoubleMatrix a = g.windows ? doubles(patches.data(), g.m, g.k, g.k, 1) : doubles(g.a, g.m, g.k, g.a_row, g.a_col);
  const bool int8 = g.narrow_type == NarrowType::int8;
  if (int8) a = rounded_rows(a);
  DoubleMatrix c = a * matrix_b(g);  // of int8, sums of whole numbers below 2^31: exact
  if (int8) c = c * doubles(g.narrow_scale, g.n).matrix().asDiagonal();
  if (g.accumulate) c += doubles(g.c, g.m, g.n, g.ldc, 1);
  if (g.bias) c.rowwise() += doubles(g.bias, g.n).matrix();
  write_matrix(c.unaryExpr([&](double x) { return activate(x, g.activation); }), g.c, g.ldc);
}

}  // namespace fu
