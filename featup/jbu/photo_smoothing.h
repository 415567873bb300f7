// Smoothing of a map along the photo it belongs to: what looks alike, and hangs together, becomes alike.
//
// A level of a stack sees three pixels around; a road is hundreds wide. Smoothing in the middle of a stack, where its
// second level leaves a map of four pixels a cell, carries what is known of one part of a thing to its other parts, up
// to its outline, at the cost of a few reads of the map.
#pragma once

#include "core/ops/smooth.h"

namespace fu {

struct PhotoSmoothing {
  real strength = 0;  // see LinkSmoother; 0: none
  real color =
      real(0.02);  // width of the Gaussian over the distance of two neighbours' colours, a channel's range being 1

  bool present() const { return strength > 0; }
  /// The two numbers, as files keep them.
  Tensor numbers() const;
  /// Whether the strength is from 0 to 1e4, and the width from 1e-3 to 1e4: what halves hold.
  bool usable() const { return strength >= 0 && strength <= real(1e4) && color >= real(1e-3) && color <= real(1e4); }
};

constexpr int kSmoothedLevel = 2;  // the levels that come before it

/// The smoother of maps (1,h,w,C) beside the normalised photo (1,h,w,3). throws ShapeError.
LinkSmoother photo_smoother(const PhotoSmoothing& smoothing, const Tensor& photo);

}  // namespace fu
