// Ops that can be differentiated. Each computes the same as the function of its name on tensors, and records its
// backward pass; core/ops.h and core/ops/resample.h document shapes and errors. Each has a file of its own in ops/,
// with its backward pass below its forward pass. Constants are plain tensors: a Tensor converts to a Var.
#pragma once

#include <memory>

#include "autograd/tape.h"
#include "core/ops.h"
#include "core/ops/rectangles.h"
#include "core/ops/resample.h"
#include "core/ops/smooth.h"
#include "core/random.h"

namespace fu {

// ---- arithmetic (ops/arithmetic.cpp)

/// Element by element, with broadcasting: see binary(). Gradients of an input that was repeated are summed back to its
/// shape. throws ShapeError if the shapes do not fit.
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
/// x * scale + shift
Var affine(const Var& x, real scale, real shift = 0);

// ---- functions of one element (ops/elementwise.cpp)
/// Every function of core's Unary, with its p and q. Where a function has a kink: the gradient of clamp at its bound is
/// the one inside, and that of |x| and ReLU at 0 is 0.
Var unary(Unary op, const Var& x, real p = 0, real q = 0);
/// unary() of that name: y has the shape of x. cost: one pass forward, one backward.
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
inline Var tanh_gelu(const Var& x) { return unary(Unary::tanh_gelu, x); }
inline Var silu(const Var& x) { return unary(Unary::silu, x); }
inline Var sigmoid(const Var& x) { return unary(Unary::sigmoid, x); }
inline Var tanh(const Var& x) { return unary(Unary::tanh, x); }
inline Var clamp_min(const Var& x, real bound) { return unary(Unary::clamp_min, x, bound); }
inline Var clamp_max(const Var& x, real bound) { return unary(Unary::clamp_max, x, bound); }
inline Var clamp(const Var& x, real low, real high) { return clamp_max(clamp_min(x, low), high); }

// ---- reductions and normalisation

/// Over an axis, which stays with size 1; or over all elements, to a scalar. throws ShapeError if x has no such
/// axis.
/// @code
/// Tape tape;
/// const Var x = tape.watch(Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6}));
/// assert(mean(x, 1).value.data()[1] == 5);         // (2,1): 2 and 5
/// backward(sum(x));
/// assert(tape.gradient(x).shape() == x.shape());  // ones
/// @endcode
Var sum(const Var& x, int axis);
Var sum(const Var& x);
Var mean(const Var& x, int axis);
Var mean(const Var& x);
/// Smallest or largest over all axes but the last: (..,C) -> (C). Equal extremes share the gradient.
Var smallest(const Var& x);
Var largest(const Var& x);
/// See softmax() of tensors. Saves its result. cost: one exponential an element; backward, two passes.
Var softmax(const Var& x, int axis, real temperature = 1);
/// Three numbers of every vector: x (..,C), v (C) -> (..,3): the norm |x|, the dot product v . x, and the energy, the
/// sum over channels of (v x)^2. The gradient of the norm at x = 0 is 0. throws ShapeError.
Var norm_dot_energy(const Var& x, const Var& v);
/// See layer_norm() of tensors; tools/book/4-layers.md derives its backward.
Var layer_norm(const Var& x, const Var& weight, const Var& bias, real eps);
Var rms_norm(const Var& x, const Var& weight, real eps);
/// See group_norm() of tensors. weight and bias may be Vars of size 0.
Var group_norm(const Var& x, const Var& weight, const Var& bias, Index groups, real eps = real(1e-5));
/// Batch norm in evaluation: (x - mean) / sqrt(variance + eps) * weight + bias along the last axis, with given
/// statistics (constants).
Var batch_norm(const Var& x, const Tensor& mean, const Tensor& variance, const Var& weight, const Var& bias, real eps);

// ---- products

/// a (..,M,K), b (..,K,N) -> (..,M,N). cost: M*K*N multiply-adds for each of the leading, twice that backward. throws
/// ShapeError if the sizes do not fit.
Var matmul(const Var& a, const Var& b);
/// See linear() and conv2d() of tensors. bias may be a Var of size 0. cost: backward twice as much as forward.
Var linear(const Var& x, const Var& weight, const Var& bias, Activation activation = Activation::none);
Var conv2d(const Var& x, const Var& weight, const Var& bias, Index stride, Index padding, Index dilation = 1);
Var depthwise_conv2d(const Var& x, const Var& weight, const Var& bias, Index padding);
/// Multi-head self-attention, qkv (B,N,3C) -> (B,N,C); forward and backward in memory linear in the tokens.
Var attention(const Var& qkv, Index heads);
/// Attention of pixels to cells of a coarse map; keeps its inputs alone.
Var cell_attention(const Var& q, const Var& k, const Var& v, const CellWindows& windows, Index heads,
                   HeadUse use = HeadUse::mean);

/// Pairs of channels turned by angles that depend on the token; the angles are constants.
Var rotary_embedding(const Var& x, const RotaryAngles& angles, Index heads);

// ---- dropout (ops/dropout.cpp)

/// Each element becomes 0 with probability p, else is divided by 1 - p. p = 0 is the identity and draws nothing. throws
/// UsageError unless 0 <= p < 1.
Var dropout(const Var& x, real p, Random& random);
/// Where dropout stands: a mask that is a function of this and of the element's position alone. So a computation that
/// is repeated, or resumed, has the same mask, and backward draws it again: it takes no memory.
/// @code
/// const Tensor x = Tensor::full({1000}, 1);
/// const DropoutPlace place{7, 120, 3};  // seed 7, step 120, the third dropout of the network
/// const Var a = dropout(x, 0.5, place), b = dropout(x, 0.5, place);
/// assert(std::equal(a.value.data(), a.value.data() + 1000, b.value.data()));
/// @endcode
struct DropoutPlace {
  std::uint64_t seed = 0, step = 0, layer = 0;  // any numbers
};
/// As the first, with the mask of a place.
Var dropout(const Var& x, real p, const DropoutPlace& place);
/// As the first, for whole channels of x (B,..,C): one draw for each image and channel.
Var channel_dropout(const Var& x, real p, Random& random);

// ---- moving elements

/// See the functions of these names on tensors. A reshape costs nothing; all others copy, forward and backward.
Var reshape(const Var& x, const Shape& shape);
Var permute(const Var& x, const Shape& order);
Var expand(const Var& x, const Shape& shape);
Var concat(const std::vector<Var>& parts, int axis);
Var concat(std::initializer_list<Var> parts, int axis);
Var slice(const Var& x, int axis, Index begin, Index end);
/// Rows of x (N,..) at the given positions, in their order; a row may be taken often: (n,..).
Var gather(const Var& x, std::shared_ptr<const std::vector<Index>> rows);

// ---- images (B,H,W,C)

/// A linear map along rows and one along columns. All functions down to gaussian_blur are calls of it, as are jitters,
/// crops and mirror images.
Var resample(const Var& x, const AxisMap& rows, const AxisMap& cols);
Var resize_nearest(const Var& x, Index height, Index width);
Var resize_bilinear(const Var& x, Index height, Index width);
Var resize_bicubic(const Var& x, Index height, Index width);
Var resize_triangle(const Var& x, Index height, Index width);
Var adaptive_avg_pool(const Var& x, Index height, Index width);
Var zoom_bilinear(const Var& x, double zoom);
Var reflect_pad(const Var& x, Index radius);
Var gaussian_blur(const Var& x, Index size, double sigma);
/// x (B,H,W,C), k (B,H,W,d*d) -> (B,H,W,C): see adaptive_conv() of tensors. cost: backward twice as much as forward.
Var adaptive_conv(const Var& x, const Var& k);
/// Where elements of a window are equal, the first one gets the gradient.
Var max_pool2d(const Var& x, Index kernel, Index stride, Index padding);
/// Products of every pixel's vector with those around it in another map: a, b (B,H,W,C) -> (B,H,W,d*d), d = 2*radius +
/// 1;
///   y[p, u*d+v] = a[p] . b[p + (u,v) - radius], b reflected at its borders.  throws ShapeError if H or W <= radius.
Var neighbor_products(const Var& a, const Var& b, Index radius);

/// x (1,h,w,C) smoothed along links, which are constants: LinkSmoother of core/ops/smooth.h, not null -> (1,h,w,C).
/// throws ShapeError.
Var smooth(const Var& x, const std::shared_ptr<const LinkSmoother>& smoother);

/// Weighted sums over rectangles: x (B,H,W,C), weights (all of the rectangles') -> (rectangles, C).
Var rectangle_sums(const Var& x, const Var& weights, std::shared_ptr<const Rectangles> rectangles);
/// Dot products of each rectangle's pixels with a vector of its own: x (B,H,W,C), v (rectangles, C) -> one number for
/// every pixel of every rectangle. With C = 1 and v = 1 these are the pixels themselves.
Var rectangle_products(const Var& x, const Var& v, std::shared_ptr<const Rectangles> rectangles);
/// Weights of attention pooling, softmax(keep (saliency + bias + deviation noise) w + b) along each of N windows of K
/// pixels. saliency (N,K); deviation and noise (N,K), or of size 0 for no noise; keep (N), 0 or 1, or of size 0 for
/// ones; w, b (K); bias (1). throws ShapeError.
Var pooling_attention(const Var& saliency, const Var& deviation, const Tensor& noise, const Tensor& keep, const Var& w,
                      const Var& b, const Var& bias);

// ---- losses

/// Mean over rows of -log softmax(logits)[label]; logits (N,K), labels (N), negative ones are left out.
Var cross_entropy(const Var& logits, std::shared_ptr<const std::vector<Index>> labels);
/// Squared distances between all vectors of a set: x (B,n,C) -> (B,n,n).
Var pairwise_squared_distances(const Var& x);

}  // namespace fu
