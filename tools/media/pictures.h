// Pictures of feature maps.
#pragma once

#include <vector>

#include "core/ops/pca.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Shows features as colours: the first three principal components as red, green and blue. Maps that are painted with
/// the same FeatureColors can be compared.
class FeatureColors {
 public:
  /// Fits the projection and the range of each component (1st to 99th percentile) to x (..,C).
  explicit FeatureColors(const Tensor& x);
  /// The projection of C channels to 3 components, or to C if there are fewer.
  const Pca& pca() const { return pca_; }
  /// features (1,H,W,C) -> picture of H x W.
  Image paint(const Tensor& features) const { return paint_components(pca_.project(features)); }
  /// The same for features that are projected already: (1,H,W,K), K components.
  Image paint_components(const Tensor& components) const;

 private:
  Pca pca_;
  std::vector<double> low_, high_;
};

/// Enlarges a picture by repeating its pixels: a coarse grid stays visible.
Image enlarge_nearest(const Image& image, Index height, Index width);
/// The picture, scaled down if its longer side exceeds `longest` pixels.
Image fit_picture(const Image& image, Index longest);
/// Numbers (h,w) in the colours of heat_color(), from their smallest to their largest.
Image heat_picture(const Tensor& values);
/// Rows of pictures under each other; those without pixels are left out.
Image stacked(const std::vector<Image>& rows, Index gap = 4);
/// Pictures of equal height in a row, with a white gap.
Image side_by_side(const std::vector<Image>& images, Index gap = 4);
/// Pictures of equal size in rows of `each`, one row under the other.
Image in_rows(const std::vector<Image>& images, Index each);

}  // namespace fu
