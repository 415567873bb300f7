#include "core/ops/conv.h"

#include <cmath>

#include "core/isa.h"

namespace fu {

WindowArgs windows_on(const Shape& x, Index kh, Index kw, Index stride, Index padding, Index dilation) {
  WindowArgs g;
  g.h = x[1], g.w = x[2], g.c = x[3];
  g.kh = kh, g.kw = kw, g.stride = stride, g.pad = padding, g.dilation = dilation;
  const auto windows = [&](Index n, Index kernel) {
    const Index room = n + 2 * padding - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  };
  g.rows = windows(g.h, kh), g.cols = windows(g.w, kw);
  return g;
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding, Index dilation) {
  const bool ranks = x.rank() == 4 && weight.rank() == 4 && stride >= 1 && padding >= 0 && dilation >= 1;
  require<ShapeError>(ranks && x.dim(3) == weight.dim(3) &&
                          (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}) &&
                          x.dim(1) + 2 * padding > dilation * (weight.dim(1) - 1) &&
                          x.dim(2) + 2 * padding > dilation * (weight.dim(2) - 1),
                      "[conv2d] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(), ", stride ",
                      stride, ", padding ", padding, ", dilation ", dilation,
                      ": x must be (B,H,W,C), weight (N,kH,kW,C) no larger than the padded image, bias (N).");
  const Index patch = weight.dim(1) * weight.dim(2) * weight.dim(3);
  return conv2d(x, PackedLinear(weight.reshape({weight.dim(0), patch}), bias), weight.dim(1), weight.dim(2), stride,
                padding, dilation);
}

namespace {

WindowArgs windows_of(const Tensor& x, const PackedLinear& layer, Index kh, Index kw, Index stride, Index padding,
                      Index dilation) {
  const bool fits = x.rank() == 4 && layer.in() == kh * kw * x.dim(3) && x.dim(1) + 2 * padding > dilation * (kh - 1) &&
                    x.dim(2) + 2 * padding > dilation * (kw - 1);
  require<ShapeError>(fits, "[conv2d] x ", x.shape(), " for a kernel of ", kh, "x", kw, " and ", layer.in(),
                      " inputs: x must be (B,H,W,C), no smaller than the kernel.");
  return windows_on(x.shape(), kh, kw, stride, padding, dilation);
}

}  // namespace

Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kh, Index kw, Index stride, Index padding,
              Index dilation, Activation activation) {
  const WindowArgs windows = windows_of(x, layer, kh, kw, stride, padding, dilation);
  Tensor y({x.dim(0), windows.rows, windows.cols, layer.out()});
  layer.on_windows(x, windows, y, activation, false);
  return y;
}

void conv2d_add_to(Tensor& y, const Tensor& x, const PackedLinear& layer, Index kh, Index kw, Index stride,
                   Index padding, Index dilation, Activation activation) {
  const WindowArgs windows = windows_of(x, layer, kh, kw, stride, padding, dilation);
  const Shape sum{x.dim(0), windows.rows, windows.cols, layer.out()};
  require<ShapeError>(y.shape() == sum, "[conv2d] y ", y.shape(), " += a convolution of x ", x.shape(), " that gives ",
                      sum, ": shapes must be equal.");
  layer.on_windows(x, windows, y, activation, true);
}

Tensor depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index padding) {
  const bool ranks = x.rank() == 4 && weight.rank() == 3;
  require<ShapeError>(
      ranks && x.dim(3) == weight.dim(2) && weight.dim(0) == weight.dim(1) &&
          (bias.size() == 0 || bias.shape() == Shape{weight.dim(2)}) && padding >= 0 && padding < weight.dim(0) &&
          x.dim(1) + 2 * padding >= weight.dim(0) && x.dim(2) + 2 * padding >= weight.dim(0),
      "[depthwise_conv2d] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(), ", padding ", padding,
      ": x must be (B,H,W,C), weight (k,k,C) larger than the padding and no larger than the padded "
      "image, bias (C).");
  const WindowArgs windows = windows_on(x.shape(), weight.dim(0), weight.dim(1), 1, padding);
  Tensor y({x.dim(0), windows.rows, windows.cols, x.dim(3)});
  kernels().depthwise_conv(x.data(), weight.data(), bias.size() ? bias.data() : nullptr, y.data(), x.dim(0), windows);
  return y;
}

Tensor max_pool2d(const Tensor& x, Index kernel, Index stride, Index padding) {
  require<ShapeError>(x.rank() == 4 && kernel >= 1 && stride >= 1 && padding >= 0 && 2 * padding <= kernel &&
                          x.dim(1) >= 1 && x.dim(2) >= 1 && x.dim(1) + 2 * padding >= kernel &&
                          x.dim(2) + 2 * padding >= kernel,
                      "[max_pool2d] x ", x.shape(), ", kernel ", kernel, ", stride ", stride, ", padding ", padding,
                      ": x must be (B,H,W,C), padded no smaller than the kernel; the padding at most half of it.");
  const WindowArgs windows = windows_on(x.shape(), kernel, kernel, stride, padding);
  Tensor y({x.dim(0), windows.rows, windows.cols, x.dim(3)});
  kernels().max_pool(x.data(), y.data(), x.dim(0), windows);
  return y;
}

Tensor adaptive_conv(const Tensor& x, const Tensor& k) {
  const Index d = k.rank() == 4 ? static_cast<Index>(std::lround(std::sqrt(static_cast<double>(k.dim(3))))) : 0;
  require<ShapeError>(x.rank() == 4 && k.rank() == 4 && d % 2 == 1 && d * d == k.dim(3) && x.dim(0) == k.dim(0) &&
                          x.dim(1) == k.dim(1) && x.dim(2) == k.dim(2),
                      "[adaptive_conv] x ", x.shape(), ", kernels ", k.shape(),
                      ": must be (B,H,W,C) and (B,H,W,d*d) with d odd.");
  require<ShapeError>(x.dim(1) > d / 2 && x.dim(2) > d / 2 && d / 2 <= 5, "[adaptive_conv] x ", x.shape(),
                      " with radius ", d / 2,
                      ": height and width must exceed the radius, and the radius may be at most 5. Use a smaller one.");
  Tensor y(x.shape());
  kernels().adaptive_conv(x.data(), k.data(), y.data(), x.dim(0), x.dim(1), x.dim(2), x.dim(3), d / 2);
  return y;
}

}  // namespace fu
