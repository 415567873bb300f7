// Ops that can be differentiated. Each computes what the function of the same name on tensors computes (core/ops.h and
// core/ops/resample.h say shapes and errors), and records how gradients flow back; each stands in a file of its own
// under ops/, backward beneath forward. Constants are plain tensors: a Tensor converts to a Var.
#pragma once

#include <memory>

#include "autograd/tape.h"
#include "core/ops.h"
#include "core/ops/rectangles.h"
#include "core/ops/resample.h"
#include "core/ops/smooth.h"
#include "core/random.h"

namespace fu {

// ---- arithmetic, with broadcasting (ops/arithmetic.cpp)
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
/// x * scale + shift
Var affine(const Var& x, real scale, real shift = 0);

// ---- functions of one element (ops/elementwise.cpp)
/// Any of core's; p and q as there. The gradient of clamp at its bound is that inside, of |x| and ReLU at 0 it is 0.
Var unary(Unary op, const Var& x, real p = 0, real q = 0);
inline Var exp(const Var& x) { return unary(Unary::exp, x); }
inline Var log(const Var& x) { return unary(Unary::log, x); }
inline Var sin(const Var& x) { return unary(Unary::sin, x); }
inline Var cos(const Var& x) { return unary(Unary::cos, x); }
inline Var sqrt(const Var& x) { return unary(Unary::sqrt, x); }
inline Var square(const Var& x) { return unary(Unary::square, x); }
inline Var reciprocal(const Var& x) { return unary(Unary::reciprocal, x); }
inline Var abs(const Var& x) { return unary(Unary::abs, x); }
inline Var erf(const Var& x) { return unary(Unary::erf, x); }
inline Var relu(const Var& x) { return unary(Unary::relu, x); }
inline Var gelu(const Var& x) { return unary(Unary::gelu, x); }
inline Var quick_gelu(const Var& x) { return unary(Unary::quick_gelu, x); }
inline Var sigmoid(const Var& x) { return unary(Unary::sigmoid, x); }
inline Var tanh(const Var& x) { return unary(Unary::tanh, x); }
inline Var clamp_min(const Var& x, real bound) { return unary(Unary::clamp_min, x, bound); }
inline Var clamp_max(const Var& x, real bound) { return unary(Unary::clamp_max, x, bound); }
inline Var clamp(const Var& x, real low, real high) { return clamp_max(clamp_min(x, low), high); }

// ---- reductions and normalisation
Var sum(const Var& x, int axis);
Var sum(const Var& x);
Var mean(const Var& x, int axis);
Var mean(const Var& x);
/// Smallest or largest over all axes but the last: (..,C) -> (C). Equal extremes share the gradient.
Var smallest(const Var& x);
Var largest(const Var& x);
Var softmax(const Var& x, int axis, real temperature = 1);
/// Of every vector of x (..,C): its length |x|, v . x, and the sum over channels of (v x)^2: (..,3). v (C). A length's
/// gradient at 0 is 0.
Var norm_dot_energy(const Var& x, const Var& v);
/// autograd/README.md derives its backward.
Var layer_norm(const Var& x, const Var& weight, const Var& bias, real eps);
/// Batch norm in evaluation: (x - mean) / sqrt(variance + eps) * weight + bias along the last axis, with given
/// statistics (constants).
Var batch_norm(const Var& x, const Tensor& mean, const Tensor& variance, const Var& weight, const Var& bias, real eps);

// ---- products
Var matmul(const Var& a, const Var& b);
/// bias may be a Var of size 0.
Var linear(const Var& x, const Var& weight, const Var& bias, Activation activation = Activation::none);
Var conv2d(const Var& x, const Var& weight, const Var& bias, Index stride, Index padding);
/// Multi-head self-attention; forward and backward in memory linear in the tokens.
Var attention(const Var& qkv, Index heads);

// ---- dropout (ops/dropout.cpp)
/// Each element becomes 0 with probability p, else is divided by 1 - p. p = 0 is the identity and draws nothing. throws
/// UsageError unless 0 <= p < 1.
Var dropout(const Var& x, real p, Random& random);
/// The same for whole channels of x (B,..,C): one draw for each image and channel.
Var channel_dropout(const Var& x, real p, Random& random);

// ---- moving elements
Var reshape(const Var& x, const Shape& shape);
Var permute(const Var& x, const Shape& order);
Var expand(const Var& x, const Shape& shape);
Var concat(const std::vector<Var>& parts, int axis);
Var concat(std::initializer_list<Var> parts, int axis);
Var slice(const Var& x, int axis, Index begin, Index end);
/// Rows of x (N,..) at the given positions, in their order; a row may be taken often: (n,..).
Var gather(const Var& x, std::shared_ptr<const std::vector<Index>> rows);

// ---- images (B,H,W,C)
/// Any separable map of pixels: every function below, jitters, crops and mirrors are this one.
Var resample(const Var& x, const AxisMap& rows, const AxisMap& cols);
Var resize_nearest(const Var& x, Index height, Index width);
Var resize_bilinear(const Var& x, Index height, Index width);
Var resize_bicubic(const Var& x, Index height, Index width);
Var resize_triangle(const Var& x, Index height, Index width);
Var adaptive_avg_pool(const Var& x, Index height, Index width);
Var zoom_bilinear(const Var& x, double zoom);
Var reflect_pad(const Var& x, Index radius);
Var gaussian_blur(const Var& x, Index size, double sigma);
Var adaptive_conv(const Var& x, const Var& k);
/// Products of every pixel's vector with those around it in another map: a, b (B,H,W,C) -> (B,H,W,d*d), d = 2*radius +
/// 1;
///   y[p, u*d+v] = a[p] . b[p + (u,v) - radius], b reflected at its borders.  throws ShapeError if H or W <= radius.
Var neighbor_products(const Var& a, const Var& b, Index radius);

/// x (1,h,w,C) smoothed along links, which are constants: LinkSmoother of core/ops/smooth.h, not null -> (1,h,w,C).
/// throws ShapeError.
Var smooth(const Var& x, const std::shared_ptr<const LinkSmoother>& smoother);

/// Weighted sums over rectangles: x (B,H,W,C), weights (all of the rectangles') -> (rectangles, C).
Var rectangle_sums(const Var& x, const Var& weights, std::shared_ptr<const Rectangles> rectangles);
/// Products of each rectangle's pixels with a vector of its own: x (B,H,W,C), v (rectangles, C) -> (as many as
/// weights). With C = 1 and v = 1: the pixels themselves.
Var rectangle_products(const Var& x, const Var& v, std::shared_ptr<const Rectangles> rectangles);
/// Weights of attention pooling, softmax(keep (saliency + bias + deviation noise) w + b) along each of N windows of K
/// pixels: saliency (N,K); deviation and noise (N,K), or of size 0: no noise; keep (N), or of size 0: ones, and where
/// it is 0 the saliency does not matter; w, b of K, bias of 1 element.
Var pooling_attention(const Var& saliency, const Var& deviation, const Tensor& noise, const Tensor& keep, const Var& w,
                      const Var& b, const Var& bias);

// ---- losses
/// Mean over rows of -log softmax(logits)[label]; logits (N,K), labels (N), negative ones are left out.
Var cross_entropy(const Var& logits, std::shared_ptr<const std::vector<Index>> labels);
/// Squared distances between all vectors of a set: x (B,n,C) -> (B,n,n).
Var pairwise_squared_distances(const Var& x);

}  // namespace fu
