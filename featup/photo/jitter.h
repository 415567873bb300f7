// Jitter: the small changes of view that FeatUp learns from.
#pragma once

#include "core/ops/resample.h"
#include "core/random.h"

namespace fu {

/// One view: reflect-pad by max_pad, magnify by zoom (bilinear), crop the original size at (top, left), mirror. source:
/// FeatUp (arXiv 2403.10516) section 3
struct Jitter {
  Index max_pad = 20;       // pixels
  double zoom = 1;          // at least 1
  Index top = 0, left = 0;  // pixels, in the padded and magnified image
  bool flip = false;
};

/// The view as one map along rows and one along columns, for an image of h x w. throws ShapeError if the crop does not
/// fit.
ImageMaps jitter_maps(const Jitter& jitter, Index h, Index w);

/// x (B,H,W,C) -> the same shape, seen through the jitter. X: Tensor, or Var for gradients. throws ShapeError.
template <class X>
X apply_jitter(const X& x, const Jitter& jitter) {
  require<ShapeError>(x.rank() == 4, "[jitter] x ", x.shape(), " must be (B,H,W,C).");
  const ImageMaps maps = jitter_maps(jitter, x.dim(1), x.dim(2));
  return resample(x, maps.rows, maps.cols);
}

/// A view for an image of h x w: zoom by U(1, max_zoom) with probability 1/2, a uniform crop, mirrored with probability
/// 1/2.
Jitter draw_jitter(Random& random, Index h, Index w, Index max_pad = 20, double max_zoom = 2);

}  // namespace fu
