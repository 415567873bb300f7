// The losses of FeatUp, as functions of plain tensors.
#pragma once

#include "core/ops.h"

namespace fu {

/// Length of every feature vector: x (B,H,W,C) -> (B,H,W,1).
Tensor magnitude(const Tensor& x);
/// mean( (pred - target)^2 / (2 scale^2) + log scale ), scale (B,h,w,1). source: FeatUp (arXiv 2403.10516) section 3
Tensor reconstruction_loss(const Tensor& pred, const Tensor& target, const Tensor& scale);
/// Squared differences of neighbours along rows and columns, summed, over the number of elements.
Tensor total_variation(const Tensor& x);
/// Uncertainty of low-resolution features: exp(x . weight + bias + 0.1), at least 1e-4; x (B,h,w,C) -> (B,h,w,1).
Tensor scale_net(const Tensor& x, const Tensor& weight, const Tensor& bias);

/// Parameters of the sampled conditional random field.
struct CrfOptions {
  real alpha = real(0.1), beta = real(0.15), gamma = real(0.005), w1 = 10, w2 = 3, shift = 0;
};
/// Neighbours in place and colour should have like features: mean over pairs of sampled pixels of |f - f'|^2 k(pair).
///   guidance (B,H,W,g), features (B,H,W,C), rows and cols: positions of the samples. cost: quadratic in the samples
Tensor crf_loss(const Tensor& guidance, const Tensor& features, const std::vector<Index>& rows, const std::vector<Index>& cols,
                const CrfOptions& options = {});

}  // namespace fu
