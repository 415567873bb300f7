// Convolutions of images: with one kernel for all pixels, and with one kernel for each.
#pragma once

#include "core/ops/linear.h"

namespace fu {

/// Convolution with zero padding, as a product of patches with weights.
///   x (B,H,W,C), weight (N,kH,kW,C), bias (N) or of size 0  ->  (B,Ho,Wo,N), Ho = (H + 2 padding - kH) / stride + 1
/// memory: patches of some rows at a time, about 4 MB. throws ShapeError if the kernel does not fit.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding);
/// The same with weights (N, kH kW C) packed beforehand.
Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kernel_h, Index kernel_w, Index stride, Index padding);

/// Adaptive convolution: one kernel per output pixel, shared by all channels.
///   x (B,H,W,C), k (B,H,W,d*d), d = 2*radius + 1  ->  y (B,H,W,C);   x is reflect-padded by radius
///   y[b,i,j,c] = sum_uv k[b,i,j,u*d+v] * x[b, i+u-radius, j+v-radius, c]
/// cost: B*H*W*C*d*d multiply-adds. throws ShapeError if H or W <= radius, or the radius is above 5. source: FeatUp
/// (arXiv 2403.10516) eq. 5
Tensor adaptive_conv(const Tensor& x, const Tensor& k);

}  // namespace fu
