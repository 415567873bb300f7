// The implicit upsampler: a small network from a pixel's place and colour to its feature.
#pragma once

#include <map>
#include <string>

#include "core/ops.h"

namespace fu {

/// Each channel of x (B,H,W,C) scaled to [-0.5,0.5] by its own extremes over the batch; a constant channel becomes -0.5.
Tensor min_max_scale(const Tensor& x);

/// Fourier features of place and colour, for frequencies w_k = exp(linspace(-2, 10, n)).
///   image (B,H,W,3), biases (2,S,n) or of size 0 -> (B,H,W, 2*n*S (+ 3)); S = 5 signals (row, column, R, G, B), or 2 without colour
/// Rows and columns lie on linspace(-1,1). Channels: all sines (frequency by frequency), all cosines, then the image. The biases are read
/// row-major as (2,n,S), as the published code stores them. source: FeatUp (arXiv 2403.10516) section 3
Tensor fourier_features(const Tensor& image, const Tensor& biases, Index n, bool color);

/// The whole network without dropout, with the published names ("1.biases", "2.norm.weight", "4.weight", ...): (B,H,W,3) -> (B,H,W,D).
Tensor implicit_upsample(const Tensor& image, const std::map<std::string, Tensor>& parameters, bool color);

}  // namespace fu
