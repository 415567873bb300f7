// Edge-aware smoothing of a map along the photo: neighbouring pixels of like colour get like features, and features do
// not flow across edges.
//
// A level of a stack reads three pixels around each; a road is hundreds wide. Smoothing the map after a stack's second
// level, where a token has 4 x 4 pixels, spreads what is known of one part of a thing to its other parts, up to its
// outline. It costs a few reads of the map.
#pragma once

#include "core/ops/smooth.h"

namespace fu {

/// How far a map is smoothed along the photo.
struct PhotoSmoothing {
  real strength = 0;        // of the LinkSmoother; 0: none
  real color = real(0.02);  // width of the Gaussian of two neighbours' difference of colours, a channel's range being 1

  /// Whether it does anything.
  bool present() const { return strength > 0; }
  /// The two numbers, as files keep them.
  Tensor numbers() const;
  /// Whether the strength is from 0 to 1e4 and the width from 1e-3 to 1e4, which half-precision files can hold.
  bool usable() const { return strength >= 0 && strength <= real(1e4) && color >= real(1e-3) && color <= real(1e4); }
};

constexpr int kSmoothedLevel = 2;  // the number of levels that run before the smoothing

/// The smoother of maps (1,h,w,C), with links from the normalised photo (1,h,w,3). throws ShapeError.
LinkSmoother photo_smoother(const PhotoSmoothing& smoothing, const Tensor& photo);

}  // namespace fu
