// The implicit upsampler: a small network from a pixel's place and colour to its feature.
#pragma once

#include "layers/activation.h"
#include "layers/fourier_features.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Each channel of x (B,H,W,C) scaled to [-0.5,0.5] by its own extremes over the batch; a constant channel becomes -0.5.
Var min_max_scale(const Var& x);

/// Fourier features of place and, if wanted, colour. source: FeatUp (arXiv 2403.10516) section 3
///   image (B,H,W,3) -> (B,H,W, 2 n S (+ 3)); S = 5 signals (row, column, R, G, B), or 2 without colour
/// Rows and columns lie on linspace(-1,1). Channels: all sines (frequency by frequency), all cosines, then the image. Parameter: biases (2,S,n).
class PlaceAndColorFeatures : public Layer {
 public:
  PlaceAndColorFeatures(Index n, bool color, Random* random);
  Var operator()(const Var& image) const override;
  Index out() const { return features_.out() + (color_ ? 3 : 0); }
  const Parameter& phases() const { return features_.biases; }

 private:
  bool color_;
  FourierFeatures features_;
};

/// The network: (B,H,W,3) -> (B,H,W,D). Parameters as published: 1.biases, 2.norm, 4, 7.norm, 8, 10.
class ImplicitUpsampler : public Layer {
 public:
  /// n frequencies, D channels.
  ImplicitUpsampler(Index n, Index channels, bool color, Random* random);
  Var operator()(const Var& image) const override;
  /// The same for one constant image, in a fraction of the time and memory: see PixelNetwork.
  Var map(const Tensor& image) const;
  /// Pixels one by one: signals (N,5) or (N,2), row, column and colour as the network takes them -> (N,D).
  Var pixels(const Tensor& signals) const;
  /// Row, column and, if it is used, colour of every pixel of image (1,H,W,3): (HW,S). Colours are scaled as x * scale + shift, channel by channel.
  Tensor signals(const Tensor& image, const Tensor& scale, const Tensor& shift) const;

 private:
  struct ChannelNorm : Module {
    LayerNorm norm;
    explicit ChannelNorm(Index channels) : norm(channels) { add("norm", norm); }
  };
  bool color_;
  std::vector<real> frequencies_;
  PlaceAndColorFeatures features_;
  ChannelNorm norm_in_;
  Linear first_;
  ChannelNorm norm_hidden_;
  Linear second_, last_;
  Dropout dropout_in_, dropout_hidden_;
};

}  // namespace fu
