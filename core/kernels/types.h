// Arguments of the kernels: plain data, the same for every instruction set.
#pragma once

#include "core/base.h"
#include "core/parallel.h"

namespace fu {

/// What a linear layer or a convolution may apply to its result. gelu is x Phi(x) by erf, tanh_gelu its approximation
/// by tanh, quick_gelu x sigmoid(1.702 x), silu x sigmoid(x).
enum class Activation { none, relu, gelu, quick_gelu, tanh_gelu, silu };

/// y = f(x) element by element. p is the bound of clamp_min and clamp_max; affine is x * p + q.
enum class Unary {
  exp,
  log,
  sin,
  cos,
  sqrt,
  square,
  reciprocal,
  relu,
  gelu,
  quick_gelu,
  tanh_gelu,
  silu,
  sigmoid,
  tanh,
  erf,
  abs,
  clamp_min,
  clamp_max,
  affine
};
/// y = op(a, b), element by element.
enum class Binary { add, sub, mul, div };

/// Whether the derivative is computed from y = f(x) rather than from x.
constexpr bool saves_output(Unary op) {
  return op == Unary::exp || op == Unary::sqrt || op == Unary::reciprocal || op == Unary::relu ||
         op == Unary::sigmoid || op == Unary::tanh;
}

/// Windows of kh x kw elements on images (b,h,w,c), zero outside: elements are `dilation` pixels apart, neighbouring
/// windows `stride` pixels, and the first one begins `pad` pixels outside.
struct WindowArgs {
  Index h = 0, w = 0, c = 0;
  Index kh = 1, kw = 1, stride = 1, pad = 0, dilation = 1;
  Index rows = 0, cols = 0;  // of windows: rows = (h + 2 pad - dilation (kh - 1) - 1) / stride + 1, cols alike
};

/// Numbers that weights are kept in. f16: 1 sign, 5 exponent and 10 fraction bits; bf16: the upper half of a 32-bit
/// number. int8: whole numbers from -127 to 127, times a scale for each output channel. none: reals.
enum class NarrowType { none, f16, bf16, int8 };

/// C (m,n) = act(A B + bias), with A (m,k) at a[i*a_row + p*a_col] and B (k,n) at b[p*b_row + j*b_col].
struct GemmArgs {
  Index m = 0, n = 0, k = 0;
  const real* a = nullptr;
  Index a_row = 0, a_col = 1;
  const real* b = nullptr;  // or null, with packed_b or narrow_b
  Index b_row = 0, b_col = 1;
  const real* packed_b = nullptr;  // as gemm_pack wrote it: for weights that are used again and again
  real* c = nullptr;
  Index ldc = 0;               // elements from one row of C to the next
  const real* bias = nullptr;  // (n) or null
  Activation activation = Activation::none;
  bool accumulate = false;  // C = act(C + A B + bias): a residual connection
  // Or null. Else A's rows are the windows of images that begin at a, each (kh,kw,c): a convolution that copies no
  // patches but those that it is about to multiply. m is a multiple of rows * cols; a_row and a_col are not read, and B
  // must be packed.
  const WindowArgs* windows = nullptr;
  // Or none. Else B is narrow, and b and packed_b are null; a_col is 1. Column j is B's numbers times narrow_scale[j].
  //   f16, bf16  B is widened a panel at a time: the same bits as the product with the widened B. In bf16, targets with
  //              instructions for such numbers round A to them too, and sum products of pairs
  //   int8       each row of A is rounded to whole numbers times a power of 2, as many bits as the sum of k products
  //              surely fits into 32 bits with (int8.h): the sums are exact
  NarrowType narrow_type = NarrowType::none;
  const void* narrow_b = nullptr;      // as narrow_pack wrote it
  const real* narrow_scale = nullptr;  // (n), or null for f16 and bf16: 1
  real* scratch = nullptr;             // gemm_scratch(args) reals
  int workers = threads();             // threads that take part at most; scratch has room for so many
};

/// Largest whole number that a row of activations is rounded to: k products with numbers up to 127 fit into 32 bits,
/// and the number itself into two bytes with a sign each, 127 * 256 + 127.
static constexpr Index int8_activation_limit(Index k) {
  const Index largest = 32639, most = k < 1 ? largest : 2147483647 / (127 * k);
  return most < largest ? most : largest;
}

/// Softmax attention of `batch` sequences: y = softmax(scale q k^T) v for each head.
/// qkv (batch, tokens, 3, heads, head_dim), y (batch, tokens, heads, head_dim). Memory grows linearly with tokens.
struct AttentionArgs {
  Index batch = 0, tokens = 0, heads = 0, head_dim = 0;
  real scale = 1;
  const real* qkv = nullptr;
  real* y = nullptr;
  const real* dy = nullptr;  // backward: shaped as y
  real* dqkv = nullptr;      // and as qkv
  real* scratch = nullptr;   // attention_scratch(args) reals
  int workers = threads();   // threads that take part at most; scratch has room for so many
};

/// Rotary position embedding: y = x with the first `heads` slices of head_dim channels rotated. With a and b the first
/// and the second half of a slice: y = (a cos - b sin, b cos + a sin), sin times `direction`. x, y (batch, tokens,
/// channels), y may be x; cosines, sines (tokens, head_dim / 2).
struct RotaryArgs {
  Index batch = 0, tokens = 0, channels = 0, heads = 0, head_dim = 0;
  const real *cosines = nullptr, *sines = nullptr;
  real direction = 1;  // -1 turns back: the gradient
  const real* x = nullptr;
  real* y = nullptr;
};

/// A layer on pixels with what stands before and after it: y (rows,n) = residual + bias + f(x) B, with x (rows,k) and
/// f(x) = act(x * scale + shift) channel by channel: a norm whose statistics are known, and its activation.
struct PixelLayerArgs {
  Index rows = 0, n = 0, k = 0;                   // k at most kPixelLayerDepth
  const real* x = nullptr;                        // (rows,k)
  const real *scale = nullptr, *shift = nullptr;  // (k), or null: f(x) = x
  Activation activation = Activation::none;       // none or silu; only with scale and shift
  const real* packed_b = nullptr;                 // B (k,n) as gemm_pack wrote it
  const real* bias = nullptr;                     // (n), or null
  const real* residual = nullptr;                 // (rows,n), or null
  real* y = nullptr;                              // (rows,n); may be x where n is k, and may be residual
  real* moments = nullptr;                        // (2,n), or null: column_moments of y
  real* scratch = nullptr;                        // pixel_layer_scratch() reals
};
constexpr Index kPixelLayerDepth = 384;  // channels at most

/// A 3x3 convolution of an image (h,w,c) to as many pixels of n channels, behind a norm and its activation as in
/// PixelLayerArgs: y = bias + sum over (u,v) of weight[u,v] f(x)[i + u - 1, j + v - 1].
struct Conv3x3Args {
  Index h = 0, w = 0, c = 0, n = 0;  // c at most kPixelLayerDepth
  bool reflect = false;              // beyond the border f(x) is mirrored without repeating it (h, w >= 2), or zero
  const real* x = nullptr;           // (h,w,c)
  const real *scale = nullptr, *shift = nullptr;  // (c), or null: f(x) = x
  Activation activation = Activation::none;       // none or silu; only with scale and shift
  const real* packed = nullptr;                   // as conv3x3_pack wrote it
  const real* bias = nullptr;                     // (n), or null
  real* y = nullptr;                              // (h,w,n)
  real* moments = nullptr;                        // (h,2,n), or null: column_moments of each row of y
  real* scratch = nullptr;                        // conv3x3_scratch(args) reals
  int workers = threads();                        // threads that take part at most
};

/// Where a row of pixels stands when its channels are rotated by place: y = x cos(t) + R(x) sin(t), R(x) the second
/// half of the channels with the opposite sign, then the first half. The angle t of each channel is that of the row
/// plus that of the column. x, y (n,c), y may be x; row_cos, row_sin (c) and col_cos, col_sin (n,c) of the two angles.
struct PlaceRotationArgs {
  Index n = 0, c = 0;  // c even
  const real *row_cos = nullptr, *row_sin = nullptr, *col_cos = nullptr, *col_sin = nullptr;
  const real* x = nullptr;
  real* y = nullptr;
};

/// Rows (or columns) of pixels, [begin, end), that look at the same rows (or columns) of cells, [first, last).
struct CellRun {
  Index begin = 0, end = 0, first = 0, last = 0;
};

/// What attention of pixels to cells makes of its heads.
///   mean    the mean of the heads' weights, for all channels: v (h,w,c)
///   groups  head g weighs the g-th of `heads` equal groups of channels: v (h,w,c)
///   sum     each head weighs a map of its own, and the results are added: v (heads,h,w,c)
enum class HeadUse { mean, groups, sum };

/// Attention of pixels to the cells of a coarse map, for each pixel to a rectangle of cells:
/// weights = softmax of scale q.k over the cells, for each head; y = weighted sum of v.
struct CellAttentionArgs {
  Index rows = 0, cols = 0, h = 0, w = 0;  // of pixels, of cells
  Index heads = 0, head_dim = 0, c = 0;    // head_dim at most kPixelLayerDepth
  HeadUse use = HeadUse::mean;
  real scale = 1;
  const CellRun *row_runs = nullptr, *col_runs = nullptr;  // in order, without gaps; rectangles are not empty
  Index row_count = 0, col_count = 0;                      // of runs
  const real *q = nullptr, *k = nullptr, *v = nullptr;     // q (rows,cols,heads,head_dim), k (h,w,heads,head_dim)
  real* y = nullptr;                                       // (rows,cols,c)
  const real* dy = nullptr;                                // backward: as y
  real *dq = nullptr, *dk = nullptr, *dv = nullptr;        // as q, k and v
  real* scratch = nullptr;                                 // cell_attention_scratch(args) reals
  int workers = threads();                                 // threads that take part at most
};

/// A sparse linear map along one axis, in rows: y[i] = sum over e in [offset[i], offset[i+1]) of weight[e] *
/// x[index[e]].
struct AxisRows {
  Index n_in = 0, n_out = 0;
  const Index* offset = nullptr;        // (n_out + 1)
  const std::int32_t* index = nullptr;  // (offset[n_out]), each in [0, n_in)
  const real* weight = nullptr;         // (offset[n_out])
};

/// Coefficients of a sweep along lines of pixels, one of each for every pixel of the map. Forward:
/// z[i] = own[i] x[i] + past[i] z[i-1], past[0] = 0. Then back: y[i] = z[i] + next[i] y[i+1]. See core/ops/smooth.h.
struct LineSweep {
  const real *own = nullptr, *past = nullptr, *next = nullptr;
};

/// A rectangle of an image; its weights, one for each pixel, begin at `weights`.
struct Rectangle {
  Index image = 0, top = 0, left = 0, rows = 0, cols = 0, weights = 0;
};

/// Rectangles of images (batch, h, w, c), and for each tile of kTileRows x kTileCols pixels the rectangles that meet
/// it. Tiles are counted row by row, image by image.
struct RectangleArgs {
  Index batch = 0, h = 0, w = 0, c = 0, count = 0;
  const Rectangle* items = nullptr;          // (count)
  const Index* tile_begin = nullptr;         // (tiles + 1): tile t meets tile_items[tile_begin[t] .. tile_begin[t + 1])
  const std::int32_t* tile_items = nullptr;  // positions in items
  real* scratch = nullptr;                   // rectangle_scratch(args) reals
  int workers = threads();                   // threads that take part at most; scratch has room for so many
};
constexpr Index kTileRows = 12, kTileCols = 24;  // 288 pixels: a multiple of every target's kMicroCols

/// Attention pooling of windows of n pixels. The weights (rows,n) are the softmax over n of
/// keep * (saliency + bias + deviation * noise) * w + b.
struct PoolingAttentionArgs {
  Index rows = 0, n = 0;
  const real* saliency = nullptr;   // (rows,n)
  const real* deviation = nullptr;  // (rows,n), and noise (rows,n); or null: no noise
  const real* noise = nullptr;
  const real* keep = nullptr;  // (rows), or null: all ones. Where it is 0, saliency and deviation are not read
  const real *w = nullptr, *b = nullptr;  // (n)
  real bias = 0;
};

/// One step of Adam or one of its variants. The numbers depend on the step alone:
///   p *= keep;  g += weight_decay * p;  mean = beta1 mean + (1 - beta1) g;  square = beta2 square + (1 - beta2) g^2
///   p -= (from_mean * mean + from_gradient * g) / (sqrt(square * unbias) + eps)
struct AdamArgs {
  real keep = 1, weight_decay = 0, beta1 = 0, beta2 = 0, eps = 0;
  real from_mean = 0, from_gradient = 0, unbias = 1;
};

}  // namespace fu
