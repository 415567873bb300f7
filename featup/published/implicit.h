// The implicit network: from a pixel's place and colour to its features.
#pragma once

#include "featup/published/pixel_network.h"
#include "layers/activation.h"
#include "layers/fourier_features.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Each channel of x (B,H,W,C) scaled to [-0.5,0.5] by its own extremes over the batch; a constant channel becomes
/// -0.5.
Var min_max_scale(const Var& x);

/// The same for single colours, by the extremes of one image (1,H,W,3).
struct ColorRange {
  real low[3], range[3];  // the smallest red, green and blue; how much more the largest is, at least 1e-4
  /// image (1,H,W,3)
  explicit ColorRange(const Tensor& image);
  /// color, out: red, green and blue.
  void scale(const real* color, real* out) const {
    for (int c = 0; c < 3; ++c) out[c] = (color[c] - low[c]) / range[c] - real(0.5);
  }
};

/// The inputs of an implicit network, and its dropout.
struct ImplicitOptions {
  Index frequencies = 30;  // of the Fourier features, n
  double highest = 10;     // natural logarithm of the highest, which is in radians for half a side; the lowest is e^-2
  bool color = true;       // also Fourier features of the colour, besides those of the place
  /// Shares of channels dropped in training: of the features, and of the first hidden layer.
  double dropout_in = 0.2, dropout_hidden = 0.2;
};

/// Fourier features of place and, if wanted, colour. source: FeatUp (arXiv 2403.10516) section 3
///   image (B,H,W,3) -> (B,H,W, 2 n S (+ 3)); S = 5 signals (row, column, R, G, B), or 2 without colour
/// Rows and columns lie on linspace(-1,1). Channels: all sines (frequency by frequency), all cosines, then the image.
/// Parameter: biases (2,S,n).
class PlaceAndColorFeatures : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded.
  PlaceAndColorFeatures(const ImplicitOptions& options, Random* random);
  /// throws ShapeError unless image has 3 channels.
  Var operator()(const Var& image) const;
  /// Channels of the result.
  Index out() const { return features_.out() + (color_ ? 3 : 0); }
  const Parameter& phases() const { return features_.biases; }

 private:
  bool color_;
  FourierFeatures features_;
};

/// The network: (B,H,W,3) -> (B,H,W,D), D channels. Parameters as published: 1.biases, 2.norm, 4, 7.norm, 8, 10.
class ImplicitNetwork : public Module {
 public:
  /// channels: D. Without `random`, values are undefined until they are loaded.
  ImplicitNetwork(const ImplicitOptions& options, Index channels, Random* random);
  /// cost: keeps all features and activations of all pixels for backward; map() does not.
  Var operator()(const Var& image) const;
  /// The same for one constant image, in a fraction of the time and memory: see PixelNetwork.
  Var map(const Tensor& image) const;
  /// The same pixel by pixel: signals (N,S) -> (N,D).
  Var pixels(const Tensor& signals) const;
  /// The network without dropout, for places and colours of any image. A matrix (D,K) over the channels of its result
  /// becomes part of its last layer.
  PixelNetwork network(const Tensor& matrix = {}) const;
  /// Number of inputs of a pixel, 5 with colour, else 2: row and column in [-1,1], then the colour scaled by
  /// ColorRange.
  Index signals() const { return color_ ? 5 : 2; }
  /// The inputs of every pixel of image (1,H,W,3): (HW,S).
  Tensor signals_of(const Tensor& image) const;
  /// Sets the last layer to zero, so that the map is zero.
  void start_from_zero();

 private:
  std::vector<const Parameter*> in_order() const;
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
