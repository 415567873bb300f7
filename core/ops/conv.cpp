#include "core/ops/conv.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"

namespace fu {

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding) {
  const bool ranks = x.rank() == 4 && weight.rank() == 4 && stride >= 1 && padding >= 0;
  require<ShapeError>(
      ranks && x.dim(3) == weight.dim(3) && (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}) &&
          x.dim(1) + 2 * padding >= weight.dim(1) && x.dim(2) + 2 * padding >= weight.dim(2),
      "[conv2d] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(), ", stride ", stride, ", padding ",
      padding, ": x must be (B,H,W,C), weight (N,kH,kW,C) no larger than the padded image, bias (N).");
  const Index patch = weight.dim(1) * weight.dim(2) * weight.dim(3);
  return conv2d(x, PackedLinear(weight.reshape({weight.dim(0), patch}), bias), weight.dim(1), weight.dim(2), stride,
                padding);
}

Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kh, Index kw, Index stride, Index padding) {
  require<ShapeError>(
      x.rank() == 4 && layer.in() == kh * kw * x.dim(3) && x.dim(1) + 2 * padding >= kh && x.dim(2) + 2 * padding >= kw,
      "[conv2d] x ", x.shape(), " for a kernel of ", kh, "x", kw, " and ", layer.in(),
      " inputs: x must be (B,H,W,C), no smaller than the kernel.");
  const Index b = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3), n = layer.out();
  const Index ho = (h + 2 * padding - kh) / stride + 1, wo = (w + 2 * padding - kw) / stride + 1, patch = kh * kw * c;
  Tensor y({b, ho, wo, n});
  // Patches of a few rows at a time, about 4 MB.
  const Index rows =
      std::clamp<Index>((Index{1} << 20) / std::max<Index>(1, wo * patch), 1, std::max<Index>(1, b * ho));
  for (Index row = 0; row < b * ho; row += rows) {
    const Index end = std::min(row + rows, b * ho);
    Tensor patches({(end - row) * wo, patch});
    kernels().im2col(x.data(), h, w, c, kh, kw, stride, padding, row, end, patches.data());
    const Tensor part = layer(patches);
    std::copy_n(part.data(), part.size(), y.data() + row * wo * n);
  }
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
