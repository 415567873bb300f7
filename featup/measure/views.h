// Views: what a backbone says of many slightly different looks at one photo. Their average is an upsampler that learns
// nothing, and how well a feature map foretells unseen ones is the measure of all upsamplers.
#pragma once

#include <functional>

#include "featup/photo/jitter.h"

namespace fu {

/// A normalised image (1,H,W,3) -> its low-resolution features (1,h,w,C).
using FeatureFunction = std::function<Tensor(const Tensor& image)>;

/// How a view's h x w features lie over the image that was jittered, at out_h x out_w positions: bilinear between the
/// view's cells where the view saw the position, 0 elsewhere. The maps' weights at a position sum to 1 or to 0.
ImageMaps view_back_maps(const Jitter& jitter, Index image_h, Index image_w, Index h, Index w, Index out_h,
                         Index out_w);

/// What a map (1,H,W,C) foretells of the h x w features of a view of an image: the same view of it, averaged over
/// cells. A map of another size than the image's is enlarged bilinearly on the way, without ever existing at that size.
Tensor foretell(const Tensor& map, const Jitter& jitter, Index image_h, Index image_w, Index h, Index w);

/// Adds views up where they belong.
class ViewSum {
 public:
  ViewSum(Index height, Index width, Index channels);
  /// view (1,h,w,C), seen through the jitter of an image of image_h x image_w.
  void add(const Tensor& view, const Jitter& jitter, Index image_h, Index image_w);
  /// The mean over the views that saw each position: (1,height,width,C). One must have seen it.
  Tensor mean() &&;

 private:
  Tensor sum_, count_;  // (1,height,width,C), (height,width)
};

/// Squared errors of a map's foretelling of views, and the variance it is measured against: explained = 1 - error /
/// variance.
struct ExplainedVariance {
  double error = 0, variance = 0;
  double value() const { return variance > 0 ? 1 - error / variance : 0; }
};

/// Views of one image that no upsampler has seen, to measure all of them by.
class HeldOutViews {
 public:
  /// `count` jitters of image (1,H,W,3) drawn from `seed`: pad 20, zoom up to 2, mirrored half of the time.
  HeldOutViews(const Tensor& image, const FeatureFunction& features, Index count, std::uint64_t seed);
  /// Of map (1,H,W,C) of the image, at any size: each jitter of it, averaged over the cells of the view, against what
  /// the backbone said, after `prepare` where the method works on prepared features. Variance is about each channel's
  /// mean over all views.
  ExplainedVariance explained_by(const Tensor& map, const FeatureFunction& prepare = {}) const;

 private:
  Index image_h_, image_w_;
  std::vector<Jitter> jitters_;
  std::vector<Tensor> views_;  // (1,h,w,C) each
};

}  // namespace fu
