// Joint bilateral interpolation: a value at any point of a photo from the grid cells around it, those of a like colour first.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace fu {

/// Gaussians of the distance to a cell's centre, in cells, and of the difference of colours, in units of the range of a channel.
struct BilateralWidths {
  double space = 0.75, color = 0.1;
};

/// The 5x5 cells around a point.
constexpr Index kBilateralReach = 2, kBilateralTaps = (2 * kBilateralReach + 1) * (2 * kBilateralReach + 1);

/// Cells, row by row, and weights of sum 1 for a point at (y, x) in units of cells, the first cell's centre being (0, 0), whose colour is `color`;
/// cells (1,h,w,3); colours in [0,1]. index and weight take kBilateralTaps each. source: Kopf, Cohen, Lischinski, Uyttendaele, "Joint bilateral
/// upsampling" (SIGGRAPH 2007), eq. 3
void bilateral_taps(const Tensor& cells, double y, double x, const real* color, const BilateralWidths& widths, std::int32_t* index, real* weight);

/// The taps of rows [begin, end) of a photo (1,H,W,3), all of which the cells cover.
struct PhotoTaps {
  std::vector<std::int32_t> index;  // (pixels, kBilateralTaps)
  std::vector<real> weight;
  void weigh(const Tensor& photo, const Tensor& cells, const BilateralWidths& widths, Index begin, Index end);
};

}  // namespace fu
