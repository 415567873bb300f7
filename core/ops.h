// Functions from tensors to tensors: they check shapes, allocate the result and call the kernel. No gradients are
// recorded here.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/tensor.h"

namespace fu {

/// y = op(x), element by element; p and q are the parameters of clamp_min and affine.
Tensor unary(Unary op, const Tensor& x, real p = 0, real q = 0);

/// y = op(a, b) with broadcasting: shapes are aligned at the last axis, and sizes must be equal or 1. throws ShapeError
/// otherwise.
Tensor binary(Binary op, const Tensor& a, const Tensor& b);
inline Tensor operator+(const Tensor& a, const Tensor& b) { return binary(Binary::add, a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return binary(Binary::sub, a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return binary(Binary::mul, a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return binary(Binary::div, a, b); }

/// x repeated along axes where it has size 1, or which it lacks. throws ShapeError if it cannot become that shape.
Tensor expand(const Tensor& x, const Shape& shape);
/// The reverse: x summed over the axes along which `shape` was repeated.
Tensor sum_to(const Tensor& x, const Shape& shape);
/// y += x, in place; y is the caller's own, shapes equal.
void add_to(Tensor& y, const Tensor& x);

/// Sum or mean over one axis, which stays with size 1. Negative axes count from the end.
Tensor sum(const Tensor& x, int axis);
Tensor mean(const Tensor& x, int axis);
/// Of all elements, as a scalar. The mean of nothing is 0.
Tensor sum(const Tensor& x);
Tensor mean(const Tensor& x);

/// exp(x / temperature) / sum of the same, over an axis. throws ShapeError if the temperature is not positive.
Tensor softmax(const Tensor& x, int axis, real temperature = 1);
/// (x - mean) / sqrt(variance + eps) * weight + bias along the last axis C; weight and bias (C). source: arXiv
/// 1607.06450
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, real eps);

/// a (..,M,K), b (..,K,N) -> (..,M,N), leading axes equal. With transpose_a, a is (..,K,M); with transpose_b, b is
/// (..,N,K).
Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false);
/// Runs a product, with scratch from the pool.
void run_gemm(GemmArgs args);
/// x (..,K), weight (N,K), bias (N), or of size 0 for none -> act(x weight^T + bias) (..,N)
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation = Activation::none);
/// qkv (B,N,3C): queries, keys and values of `heads` heads side by side -> (B,N,C); scores are divided by sqrt(C /
/// heads). memory: linear in N. source: arXiv 1706.03762 eq. 1
Tensor attention(const Tensor& qkv, Index heads);

/// Adaptive convolution: one kernel per output pixel, shared by all channels.
///   x (B,H,W,C), k (B,H,W,d*d), d = 2*radius + 1  ->  y (B,H,W,C);   x is reflect-padded by radius
///   y[b,i,j,c] = sum_uv k[b,i,j,u*d+v] * x[b, i+u-radius, j+v-radius, c]
/// cost: B*H*W*C*d*d multiply-adds. throws ShapeError if H or W <= radius, or the radius is above 5. source: FeatUp
/// (arXiv 2403.10516) eq. 5
Tensor adaptive_conv(const Tensor& x, const Tensor& k);

/// Tensors one after another along an axis; all other sizes must be equal.
Tensor concat(const std::vector<Tensor>& parts, int axis);
Tensor concat(const Tensor* parts, std::size_t count, int axis);
/// A copy of positions [begin, end) of an axis.
Tensor slice(const Tensor& x, int axis, Index begin, Index end);
/// x in place [begin, begin + its size) of an axis of n, zeros around it.
Tensor unslice(const Tensor& x, int axis, Index begin, Index n);

/// A linear layer whose weights are packed once, for inference.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// weight (N,K), bias (N) or of size 0.
  PackedLinear(const Tensor& weight, const Tensor& bias);
  Index in() const { return k_; }
  Index out() const { return n_; }
  /// act(x weight^T + bias), x (..,K) -> (..,N)
  Tensor operator()(const Tensor& x, Activation activation = Activation::none) const;
  /// y += x weight^T + bias: a residual connection. y (..,N) is the caller's own.
  void add_to(Tensor& y, const Tensor& x) const;

 private:
  void run(const Tensor& x, Tensor& y, Activation activation, bool accumulate) const;

  Index k_ = 0, n_ = 0;
  Tensor packed_, bias_;
};

/// x (B,H,W,C), weight (N,kH,kW,C), bias (N) or of size 0 -> (B,Ho,Wo,N), Ho = (H + 2 padding - kH) / stride + 1. Zero
/// padding. memory: patches of some rows at a time. throws ShapeError if the kernel does not fit.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding);
/// The same with weights (N, kH kW C) packed beforehand.
Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kernel_h, Index kernel_w, Index stride, Index padding);

}  // namespace fu
