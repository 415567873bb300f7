// Views of a photo that nothing is fitted to. How well a map predicts them decides when a fit stops, and which of its
// states is kept.
#pragma once

#include <vector>

#include "core/ops/pca.h"
#include "featup/measure/jittered_view.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Views of one image, and how well maps of it predict them.
class ValidationViews {
 public:
  /// Of an image of that size at the backbone.
  explicit ValidationViews(Extent image) : image_(image) {}

  /// Adds one; all have the same shape.
  void add(const JitteredView& view) { views_.push_back(view); }
  const std::vector<JitteredView>& views() const { return views_; }
  Index count() const { return static_cast<Index>(views_.size()); }
  /// To be called once all views are there: the variance about each channel's mean, which errors are compared with.
  void measure_variance();
  /// Turns the views into principal components. What the components leave out counts as an error of any map from then
  /// on.
  void project(const Pca& pca);

  /// Share of the variance that a map explains: 1 - squared error / variance; 0 if there is no variance. The map is
  /// (1,H,W,C) at the image's size, or smaller: it is then enlarged bilinearly, without ever existing at that size.
  double explained_by(const Tensor& map) const;
  /// The same from a map's sum of squared errors over all views.
  double explained_with(double squared_error) const;
  /// Numbers in all views.
  Index size() const { return views_.empty() ? 0 : count() * views_.front().features.size(); }

 private:
  Extent image_;
  std::vector<JitteredView> views_;
  double variance_ = 0, lost_ = 0;  // sums of squares
};

/// What a map predicts of a view, minus the view: (1,h,w,C).
Tensor view_residual(const Tensor& map, const JitteredView& view, Extent image);

}  // namespace fu
