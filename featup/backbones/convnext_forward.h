// The forward pass of a ConvNeXt, for convnext_inference.cpp and convnext_training.cpp, which instantiate it.
#pragma once

#include "featup/backbones/convnext.h"

namespace fu {

template <class X>
X ConvNextBlock::operator()(X x) const {
  const NameScope scope(registered_name());
  const X hidden = pwconv1_(norm_(dwconv_(x)), Activation::gelu);
  if (gamma_.packed) return pwconv2_.add_to(std::move(x), hidden);
  return x + pwconv2_(hidden) * as<X>(gamma_);
}

template <class X>
X ConvNext::map(const X& image, std::size_t stages, const Progress& progress) const {
  const Index stride = config_.stride();
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= stride && image.dim(2) >= stride,
                      "[convnext] image ", image.shape(), ": must be (B,H,W,3) of at least ", stride,
                      " pixels a side.");
  const Downsample& stem = *downsample_layers_.list[0];
  X x = stem.norm(stem.conv(image));
  for (std::size_t s = 0; s < stages; ++s) {
    if (progress) progress(static_cast<double>(s) / static_cast<double>(stages));
    const Downsample& down = *downsample_layers_.list[s];
    if (s > 0) x = down.conv(down.norm(x));
    for (const auto& block : stages_.list[s]->blocks) x = (*block)(std::move(x));
  }
  return x;
}

template <class X>
X ConvNext::features(const X& image, const Progress& progress) const {
  const X x = map(image, stages_.list.size(), progress);
  return norm_ ? (*norm_)(x) : x;
}

template <class X>
X ConvNext::pooled(const X& image, const Progress& progress) const {
  const X x = map(image, stages_.list.size(), progress);
  const X average = reshape(mean(reshape(x, {x.dim(0), x.dim(1) * x.dim(2), x.dim(3)}), 1), {x.dim(0), 1, x.dim(3)});
  return norm_ ? (*norm_)(average) : average;
}

}  // namespace fu
