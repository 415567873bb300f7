// Views: the features that a backbone gives for jittered copies of one image. Their mean is an upsampler without
// weights, and the error with which a feature map predicts unseen views is the score of every upsampler.
#pragma once

#include "featup/backbones/feature_function.h"
#include "featup/photo/jitter.h"

namespace fu {

/// Maps that carry the h x w features of a view back to the image that was jittered, at out_h x out_w positions:
/// bilinear between the view's cells where the view saw the position, 0 elsewhere. The weights of an output position
/// sum to 1, or to 0 where the view did not see it.
ImageMaps view_back_maps(const Jitter& jitter, Index image_h, Index image_w, Index h, Index w, Index out_h,
                         Index out_w);

/// The h x w features of a view as a feature map of the image predicts them: the map is jittered as the image was, then
/// averaged over each cell.
///   map (1,H,W,C) of an image of image_h x image_w pixels  ->  (1,h,w,C)
/// A map of another size than the image is enlarged bilinearly on the way; the enlarged map is never stored.
/// grad: none.   cost: about 2 (H w + image_h w) C multiply-adds.   throws ShapeError unless map has four axes.
/// source: FeatUp (arXiv 2403.10516) section 3
Tensor predict_view(const Tensor& map, const Jitter& jitter, Index image_h, Index image_w, Index h, Index w);

/// The mean of views, each carried back to its place in the image.
class ViewSum {
 public:
  /// Of no views yet, at height x width positions.
  ViewSum(Index height, Index width, Index channels);
  /// view (1,h,w,C), seen through the jitter of an image of image_h x image_w. throws ShapeError for another C.
  void add(const Tensor& view, const Jitter& jitter, Index image_h, Index image_w);
  /// The mean over the views that saw each position: (1,height,width,C); 0 where none did.
  Tensor mean() &&;

 private:
  Tensor sum_, count_;  // (1,height,width,C), (height,width)
};

/// Sum of squared errors of predicted views, and the variance of the views themselves.
struct ExplainedVariance {
  double error = 0, variance = 0;  // sums over all numbers of all views
  /// 1 - error / variance: 1 is perfect, 0 is as good as each channel's mean.
  double value() const { return variance > 0 ? 1 - error / variance : 0; }
};

/// Views of one image that no upsampler has seen. All upsamplers are scored by them.
class HeldOutViews {
 public:
  /// Draws `count` jitters of image (1,H,W,3) from `seed`: padding of 20 pixels, zoom up to 2, mirrored half of the
  /// time. features is called once for each.
  HeldOutViews(const Tensor& image, const FeatureFunction& features, Index count, std::uint64_t seed);
  /// How well map (1,H,W,C) of the image, of any size, predicts the views (see predict_view).
  ///   prepare: applied to each view first, for a method whose map holds prepared features; may be empty.
  /// The variance is about each channel's mean over all views. throws ShapeError if the channels differ.
  ExplainedVariance explained_by(const Tensor& map, const FeatureFunction& prepare = {}) const;

 private:
  Index image_h_, image_w_;
  std::vector<Jitter> jitters_;
  std::vector<Tensor> views_;  // (1,h,w,C) each
};

}  // namespace fu
