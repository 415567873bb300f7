// Dense histograms of oriented gradients with colour: local features that need no weights at all.
#pragma once

#include "core/tensor.h"

namespace fu {

constexpr Index kHogChannels = 34;

/// What it is: per cell of `cell` x `cell` pixels, Felzenszwalb's 31 HOG features (18 directed orientations, 9
/// undirected, 4 texture energies) and the mean of CIE Lab, scaled to comparable size. It sees edges and colour, not
/// meaning.
///   image (B,H,W,3) in [0,1], H and W multiples of cell  ->  (B,H/cell,W/cell,34)
/// throws ShapeError for other sizes. source: Felzenszwalb et al., "Object Detection with Discriminatively Trained
/// Part-Based Models" (PAMI 2010), section 6; Lab by IEC 61966-2-1 and CIE 1976, D65.
Tensor hog(const Tensor& image, Index cell = 16);

}  // namespace fu
