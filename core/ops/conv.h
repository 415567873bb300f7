// Convolutions of images: with one kernel for all pixels, with one for each channel, and with one for each pixel; and
// maxima over windows.
#pragma once

#include "core/ops/linear.h"

namespace fu {

/// Where windows lie on images x (B,H,W,C), with rows = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1 and cols
/// alike; 0 or less if the window does not fit.
WindowArgs windows_on(const Shape& x, Index kh, Index kw, Index stride, Index padding, Index dilation = 1);

/// Convolution with zero padding.
///   x (B,H,W,C), weight (N,kH,kW,C), bias (N) or of size 0  ->  (B,Ho,Wo,N),
///   Ho = (H + 2 padding - dilation (kH - 1) - 1) / stride + 1, Wo alike
/// memory: nothing beyond the output and packed weights. throws ShapeError if the kernel does not fit.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding,
              Index dilation = 1);
/// act(convolution) with weights (N, kH kW C) packed beforehand.
Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kernel_h, Index kernel_w, Index stride, Index padding,
              Index dilation = 1, Activation activation = Activation::none);
/// y = act(y + convolution): a residual connection. y (B,Ho,Wo,N) is the caller's own.
void conv2d_add_to(Tensor& y, const Tensor& x, const PackedLinear& layer, Index kernel_h, Index kernel_w, Index stride,
                   Index padding, Index dilation = 1, Activation activation = Activation::none);

/// Convolution of each channel by itself, with zero padding and stride 1.
///   x (B,H,W,C), weight (k,k,C), bias (C) or of size 0  ->  (B,Ho,Wo,C), Ho = H + 2 padding - k + 1, Wo alike
///   y[b,i,j,c] = bias[c] + sum_uv weight[u,v,c] * x[b, i+u-padding, j+v-padding, c]
/// cost: B*Ho*Wo*C*k*k multiply-adds. throws ShapeError if the kernel does not fit, or if the padding is not smaller
/// than it.
Tensor depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index padding);

/// The largest value of each window, channel by channel; padding is never the largest.
///   x (B,H,W,C)  ->  (B,Ho,Wo,C), Ho = (H + 2 padding - kernel) / stride + 1, Wo alike
/// A window with a NaN gives NaN. throws ShapeError if the window does not fit, or if the padding is more than half of
/// it.
Tensor max_pool2d(const Tensor& x, Index kernel, Index stride, Index padding);

/// Adaptive convolution: one kernel per output pixel, shared by all channels.
///   x (B,H,W,C), k (B,H,W,d*d), d = 2*radius + 1  ->  y (B,H,W,C);   x is reflect-padded by radius
///   y[b,i,j,c] = sum_uv k[b,i,j,u*d+v] * x[b, i+u-radius, j+v-radius, c]
/// cost: B*H*W*C*d*d multiply-adds. throws ShapeError if H or W <= radius, or the radius is above 5. source: FeatUp
/// (arXiv 2403.10516) eq. 5
Tensor adaptive_conv(const Tensor& x, const Tensor& k);

}  // namespace fu
