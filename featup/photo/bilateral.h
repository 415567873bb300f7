// Joint bilateral interpolation: a value at any point of a photo from the grid cells around it, those of a like colour
// first.
#pragma once

#include "core/pool.h"
#include "core/tensor.h"

namespace fu {

/// Gaussians of the distance to a cell's centre, in cells, and of the difference of colours, in units of the range of a
/// channel.
struct BilateralWidths {
  double space = 0.75, color = 0.1;
};

/// The 5x5 cells around a point.
constexpr Index kBilateralReach = 2, kBilateralTaps = (2 * kBilateralReach + 1) * (2 * kBilateralReach + 1);

/// Cells, row by row, and weights of sum 1 for a point at (y, x) in units of cells, the first cell's centre being (0,
/// 0), whose colour is `color`; cells (1,h,w,3); colours in [0,1]. index and weight take kBilateralTaps each. source:
/// Kopf, Cohen, Lischinski, Uyttendaele, "Joint bilateral upsampling" (SIGGRAPH 2007), eq. 3
void bilateral_taps(const Tensor& cells, double y, double x, const real* color, const BilateralWidths& widths,
                    std::int32_t* index, real* weight);

/// A part of a photo of height x width pixels.
struct PhotoPart {
  Index height = 0, width = 0, top = 0, left = 0, rows = 0, cols = 0;
};

/// The taps of a part's pixels, one after another; the cells cover the whole photo. Used again for part after part, it
/// keeps its memory.
struct PhotoTaps {
  PoolVector<std::int32_t> index;  // (pixels, kBilateralTaps)
  PoolVector<real> weight;
  /// colors (rows, cols, 3): of the part alone.
  void weigh(const real* colors, const PhotoPart& part, const Tensor& cells, const BilateralWidths& widths);
  /// y (pixels, C): the weighted means of cells x (1,h,w,C).
  void interpolate(const Tensor& x, real* y) const;
};

}  // namespace fu
