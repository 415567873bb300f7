#include "core/ops/linear.h"

#include <algorithm>

#include "core/isa.h"
#include "core/ops/axis.h"

namespace fu {

void run_gemm(GemmArgs args) {
  Tensor scratch({std::max<Index>(1, kernels().gemm_scratch(args))});
  args.scratch = scratch.data();
  kernels().gemm(args);
}

Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  bool fits = a.rank() == b.rank() && a.rank() >= 2 && a.dim(transpose_a ? -2 : -1) == b.dim(transpose_b ? -1 : -2);
  for (int i = 0; fits && i < a.rank() - 2; ++i) fits = a.dim(i) == b.dim(i);
  require<ShapeError>(fits, "[matmul] a ", a.shape(), transpose_a ? " transposed" : "", " times b ", b.shape(),
                      transpose_b ? " transposed" : "",
                      ": a's last size must be b's second to last, and the sizes before those must be equal.");
  GemmArgs args;
  args.m = a.dim(transpose_a ? -1 : -2), args.k = a.dim(transpose_a ? -2 : -1), args.n = b.dim(transpose_b ? -2 : -1);
  args.a_row = transpose_a ? 1 : args.k, args.a_col = transpose_a ? args.m : 1;
  args.b_row = transpose_b ? 1 : args.n, args.b_col = transpose_b ? args.k : 1;
  args.ldc = args.n;
  Shape shape = with_last(a.shape(), args.n);
  shape.set(-2, args.m);
  Tensor y(shape);
  const Index batch = a.shape().elements(0, a.rank() - 2);
  for (Index i = 0; i < batch; ++i) {
    args.a = a.data() + i * args.m * args.k;
    args.b = b.data() + i * args.k * args.n;
    args.c = y.data() + i * args.m * args.n;
    run_gemm(args);
  }
  return y;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  require<ShapeError>(x.rank() >= 1 && weight.rank() == 2 && x.dim(-1) == weight.dim(1) &&
                          (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}),
                      "[linear] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": x's last size must be weight's second, and bias as long as weight's first.");
  Tensor y(with_last(x.shape(), weight.dim(0)));
  GemmArgs args;
  args.k = weight.dim(1), args.n = weight.dim(0), args.m = x.shape().elements(0, x.rank() - 1);
  args.a = x.data(), args.a_row = args.k;
  args.b = weight.data(), args.b_row = 1, args.b_col = args.k;
  args.c = y.data(), args.ldc = args.n;
  args.bias = bias.size() ? bias.data() : nullptr;
  args.activation = activation;
  run_gemm(args);
  return y;
}

PackedLinear::PackedLinear(const Tensor& weight, const Tensor& bias) : bias_(bias) {
  require<ShapeError>(weight.rank() == 2 && (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}),
                      "[linear] weight ", weight.shape(), ", bias ", bias.shape(), ": must be (N,K) and (N).");
  n_ = weight.dim(0);
  k_ = weight.dim(1);
  packed_ = Tensor({kernels().gemm_packed_size(k_, n_)});
  kernels().gemm_pack(weight.data(), 1, k_, k_, n_, packed_.data());
}

PackedLinear::PackedLinear(const NarrowMatrix& weight, const Tensor& scale, const Tensor& bias)
    : k_(weight.k), n_(weight.n), type_(weight.type), packed_(weight.packed), bias_(bias), scale_(weight.scale) {
  const Shape outputs{n_};
  require<ShapeError>((bias.size() == 0 || bias.shape() == outputs) && (scale.size() == 0 || scale.shape() == outputs),
                      "[linear] narrow weight (", n_, ",", k_, "), scale ", scale.shape(), ", bias ", bias.shape(),
                      ": scale and bias must be (N).");
  if (scale.size() == 0) return;
  scale_ = scale.clone();
  for (Index i = 0; i < weight.scale.size(); ++i) scale_.data()[i] *= weight.scale.data()[i];
}

Tensor PackedLinear::operator()(const Tensor& x, Activation activation) const {
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == k_, "[linear] x ", x.shape(), " for weights (", n_, ",", k_,
                      "): x's last size must be ", k_, ".");
  Tensor y(with_last(x.shape(), n_));
  run(x, y, activation, false);
  return y;
}

void PackedLinear::add_to(Tensor& y, const Tensor& x) const {
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == k_ && y.shape() == with_last(x.shape(), n_), "[linear] y ",
                      y.shape(), " += x ", x.shape(), " for weights (", n_, ",", k_, "): sizes do not fit.");
  run(x, y, Activation::none, true);
}

GemmArgs PackedLinear::product(Index rows, Tensor& y, Activation activation, bool accumulate) const {
  GemmArgs args;
  args.m = rows, args.n = n_, args.k = k_;
  if (type_ == NarrowType::none) {
    args.packed_b = packed_.data();
  } else {
    args.narrow_type = type_, args.narrow_b = packed_.data();
    args.narrow_scale = scale_.size() ? scale_.data() : nullptr;
  }
  args.c = y.data(), args.ldc = n_;
  args.bias = bias_.size() ? bias_.data() : nullptr;
  args.activation = activation;
  args.accumulate = accumulate;
  return args;
}

void PackedLinear::run(const Tensor& x, Tensor& y, Activation activation, bool accumulate) const {
  GemmArgs args = product(x.shape().elements(0, x.rank() - 1), y, activation, accumulate);
  args.a = x.data(), args.a_row = k_;
  run_gemm(args);
}

void PackedLinear::on_windows(const Tensor& x, const WindowArgs& windows, Tensor& y, Activation activation,
                              bool accumulate) const {
  GemmArgs args = product(x.dim(0) * windows.rows * windows.cols, y, activation, accumulate);
  args.a = x.data(), args.a_row = k_;
  const bool pixels = windows.kh == 1 && windows.kw == 1 && windows.stride == 1 && windows.pad == 0;
  if (!pixels) args.windows = &windows;  // else the pixels are the rows of a matrix already
  run_gemm(args);
}

}  // namespace fu
