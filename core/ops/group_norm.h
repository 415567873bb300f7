// Group normalisation: statistics over the pixels of an image and the channels of a group.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace fu {

/// y = x * scale + shift channel by channel, both (C): what a norm does once its statistics are known.
struct ChannelAffine {
  Tensor scale, shift;
};

/// Moments of the channels of bands of pixels, which different threads may fill in, and which are put together in a
/// fixed order. memory: 2 C reals a band.
class BandMoments {
 public:
  /// Room for the moments of that many bands; undefined until band() has been called for each.
  BandMoments(Index bands, Index channels);
  /// Where the kernels write column_moments of a band of `rows` pixels; once for each band.
  real* band(Index i, Index rows) {
    rows_[usize(i)] = rows;
    return values_.data() + i * 2 * values_.dim(2);
  }
  /// (x - mean) / sqrt(variance + eps) * weight + bias, with the mean and the (biased) variance of each group of
  /// neighbouring channels. weight, bias (C), or of size 0 for 1 and 0. Sums are taken in double. The number of
  /// channels is a multiple of `groups`.
  ChannelAffine group_affine(Index groups, const Tensor& weight, const Tensor& bias, real eps) const;

 private:
  Tensor values_;  // (bands,2,C)
  std::vector<Index> rows_;
};

/// Pixels of a band in the functions below.
constexpr Index kMomentRows = 96;

/// The statistics of n pixels x (n,C) alone.
ChannelAffine group_statistics(const real* x, Index n, Index channels, Index groups, const Tensor& weight,
                               const Tensor& bias, real eps);

/// Every image's groups of C / groups neighbouring channels to mean 0 and variance 1, then scaled and shifted.
///   x (B,..,C), weight (C), bias (C), or both of size 0 for none  ->  same as x
/// throws ShapeError if they do not fit. source: arXiv 1803.08494
Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Index groups, real eps = real(1e-5));

/// Gradients of group_norm; those that are not wanted stay of size 0.
struct GroupNormGradients {
  Tensor dx, dweight, dbias;
};
/// dy: shaped as x. wants_x: else dx is left out. Shapes are those of group_norm(), and not checked.
GroupNormGradients group_norm_backward(const Tensor& x, const Tensor& weight, const Tensor& dy, Index groups, real eps,
                                       bool wants_x);

}  // namespace fu
