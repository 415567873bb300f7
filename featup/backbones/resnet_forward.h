// The forward pass of a residual network, for resnet_inference.cpp and resnet_training.cpp, which instantiate it.
#pragma once

#include "featup/backbones/resnet.h"

namespace fu {

/// activation(norm(conv(x))).
template <class X>
X normalised_conv(const Conv2d& conv, const BatchNorm& norm, const X& x, Activation activation) {
  if (norm.folded()) return conv(x, activation);
  const X y = norm(conv(x));
  return activation == Activation::relu ? unary(Unary::relu, y) : y;
}

/// relu(y + norm(conv(x))).
template <class X>
X add_normalised_conv(X y, const Conv2d& conv, const BatchNorm& norm, const X& x) {
  if (norm.folded()) return conv.add_to(std::move(y), x, Activation::relu);
  return unary(Unary::relu, norm(conv(x)) + y);
}

template <class X>
X ResNetBlock::operator()(X x) const {
  const NameScope scope(registered_name());
  X inner = normalised_conv(conv1_, bn1_, x, Activation::relu);
  if (third_) inner = normalised_conv(conv2_, bn2_, inner, Activation::relu);
  if (downsample_) x = normalised_conv(downsample_->conv, downsample_->norm, x, Activation::none);
  return third_ ? add_normalised_conv(std::move(x), third_->conv, third_->norm, inner)
                : add_normalised_conv(std::move(x), conv2_, bn2_, inner);
}

template <class X>
X ResNet::map(const X& image, std::size_t layers, const Progress& progress) const {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= 1 && image.dim(2) >= 1,
                      "[resnet] image ", image.shape(), ": must be (B,H,W,3).");
  X x = max_pool2d(normalised_conv(conv1_, bn1_, image, Activation::relu), 3, 2, 1);
  for (std::size_t s = 0; s < layers; ++s) {
    if (progress) progress(static_cast<double>(s) / static_cast<double>(layers));
    for (const auto& block : layers_[s]->blocks) x = (*block)(std::move(x));
  }
  return x;
}

template <class X>
X ResNet::features(const X& image, const Progress& progress) const {
  return map(image, layers_.size(), progress);
}

}  // namespace fu
