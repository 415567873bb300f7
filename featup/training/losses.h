// The losses of FeatUp, as functions over ops, which give their gradients. Constants are plain tensors.
#pragma once

#include "autograd/ops.h"
#include "layers/linear.h"

namespace fu {

/// Norm of every feature vector: x (B,H,W,C) -> (B,H,W,1).
Var magnitude(const Var& x);
/// mean( (pred - target)^2 / (2 scale^2) + log scale ), scale (B,h,w,1). source: FeatUp (arXiv 2403.10516) section 3
Var reconstruction_loss(const Var& pred, const Var& target, const Var& scale);
/// mean over positions of 1 - cosine of pred and target, plus mean( (pred - target)^2 ); x (..,C) both. source: AnyUp
/// (arXiv 2510.12764)
Var cosine_and_square_loss(const Var& pred, const Var& target);
/// Mean squared distance of an image from its own blur (5x5, sigma 1), in two passes over it: x (1,H,W,C).
Var blur_distance(const Var& x);
/// Squared differences of neighbours along rows and columns, summed, over the number of elements.
/// @code
/// const Tensor edge = Tensor::from({1, 2, 2, 1}, {0, 3, 0, 3});  // two differences of 3 among 4 elements
/// assert(total_variation(edge).value.item() == 4.5);
/// @endcode
Var total_variation(const Var& x);

/// Uncertainty of low-resolution features: exp(net(x) + 0.1), at least 1e-4; x (B,h,w,C) -> (B,h,w,1). Parameters:
/// net.weight (1,C), net.bias (1).
class ScaleNet : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded.
  ScaleNet(Index channels, Random* random);
  /// x (B,h,w,C) -> (B,h,w,1). throws ShapeError for another C.
  Var operator()(const Var& x) const { return clamp_min(exp(affine(net(x), 1, real(0.1))), real(1e-4)); }

  Linear net;
};

/// Parameters of the sampled conditional random field.
/// With places p as shares of height and width, and guidance g (colours):
///   k = w1 exp(-|p - p'|^2 / (2 alpha) - |g - g'|^2 / (2 beta)) + w2 exp(-|p - p'|^2 / (2 gamma)) - shift
struct CrfOptions {
  real alpha = real(0.1), beta = real(0.15), gamma = real(0.005), w1 = 10, w2 = 3, shift = 0;
};
/// Loss of a conditional random field: pixels that are near in place and colour should have similar features. The mean
/// over pairs of sampled pixels of |f - f'|^2 k, where k falls with their distance in place and colour.
///   guidance (B,H,W,g), features (B,H,W,C), rows and cols: positions of the samples. cost: quadratic in the samples
Var crf_loss(const Var& guidance, const Var& features, const std::vector<Index>& rows, const std::vector<Index>& cols,
             const CrfOptions& options = {});

}  // namespace fu
