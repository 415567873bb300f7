// Matrix products and linear layers.
#pragma once

#include "core/kernels/types.h"
#include "core/ops/narrow.h"
#include "core/tensor.h"

namespace fu {

/// a (..,M,K), b (..,K,N)  ->  (..,M,N), leading axes equal. With transpose_a, a is (..,K,M); with transpose_b, b is
/// (..,N,K). cost: M*K*N multiply-adds for each of the leading. throws ShapeError if the sizes do not fit.
Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false);

/// Runs a product that is described by pointers and strides, with scratch memory from the pool.
void run_gemm(GemmArgs args);

/// y = act(x weight^T + bias)
///   x (..,K), weight (N,K), bias (N) or of size 0 for none  ->  y (..,N)
/// cost: K*N multiply-adds for each row of x. throws ShapeError if the sizes do not fit.
/// @code
/// const Tensor x = Tensor::full({4, 3}, 1), weight = Tensor::full({2, 3}, 0.5), bias = Tensor::zeros({2});
/// const Tensor y = linear(x, weight, bias, Activation::relu);  // (4,2)
/// assert(y.data()[0] == 1.5);
/// @endcode
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation = Activation::none);

/// A linear layer for inference: its weights are brought into the order in which the product reads them once, when it
/// is made, not at every call. The order belongs to the instruction set in use at that time.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// weight (N,K), bias (N) or of size 0 for none. throws ShapeError otherwise.
  PackedLinear(const Tensor& weight, const Tensor& bias);
  /// Of narrow weights, whose output n is multiplied by scale[n] (N), or of size 0 for none. f16, and bf16
  /// unless kernels().rounds_bf16: the same bits as a PackedLinear of the rounded weights times the scale. throws
  /// ShapeError if the sizes do not fit.
  PackedLinear(const NarrowMatrix& weight, const Tensor& scale, const Tensor& bias);
  Index in() const { return k_; }
  Index out() const { return n_; }
  /// act(x weight^T + bias), x (..,K) -> (..,N)
  Tensor operator()(const Tensor& x, Activation activation = Activation::none) const;
  /// y += x weight^T + bias: a residual connection. y (..,N) is the caller's own.
  void add_to(Tensor& y, const Tensor& x) const;
  /// y = act(windows weight^T + bias), or, with `accumulate`, act(y + the same): what conv2d calls, which checks
  /// shapes. x (B,H,W,C), windows of kh kw C = K elements, y (B,rows,cols,N)
  void on_windows(const Tensor& x, const WindowArgs& windows, Tensor& y, Activation activation, bool accumulate) const;

 private:
  GemmArgs product(Index rows, Tensor& y, Activation activation, bool accumulate) const;
  void run(const Tensor& x, Tensor& y, Activation activation, bool accumulate) const;

  Index k_ = 0, n_ = 0;
  NarrowType type_ = NarrowType::none;
  Tensor packed_, bias_, scale_;  // scale (N), or of size 0: of narrow weights
};

}  // namespace fu
