// Joint bilateral interpolation: the value at any point of a photo is a weighted mean of the grid cells around it, in
// which cells of like colour weigh most.
#pragma once

#include "core/pool.h"
#include "core/tensor.h"

namespace fu {

/// Widths (standard deviations) of two Gaussians: of the distance to a cell's centre, in cells, and of the difference
/// of colours, a channel's range being 1.
struct BilateralWidths {
  double space = 0.75, color = 0.1;
};

/// A point is interpolated from the 5x5 cells around it.
constexpr Index kBilateralReach = 2, kBilateralTaps = (2 * kBilateralReach + 1) * (2 * kBilateralReach + 1);

/// The cells that one point is interpolated from, row by row, and their weights, which sum to 1.
///   cells (1,h,w,3): colours in [0,1]; y, x: the point in units of cells, (0,0) the first cell's centre; color: the
///   point's, in [0,1]
///   index, weight: receive kBilateralTaps numbers each
/// source: Kopf, Cohen, Lischinski, Uyttendaele, "Joint bilateral upsampling" (SIGGRAPH 2007), eq. 3
void bilateral_taps(const Tensor& cells, double y, double x, const real* color, const BilateralWidths& widths,
                    std::int32_t* index, real* weight);

/// A part, rows x cols at (top, left), of a photo of height x width pixels.
struct PhotoPart {
  Index height = 0, width = 0, top = 0, left = 0, rows = 0, cols = 0;
};

/// Cells and weights of all pixels of a part of a photo. Reused for one part after another, it keeps its memory.
struct PhotoTaps {
  PoolVector<std::int32_t> index;  // (pixels, kBilateralTaps)
  PoolVector<real> weight;
  /// colors (rows,cols,3): of the part alone, in [0,1]. cells (1,h,w,3): of the whole photo.
  void weigh(const real* colors, const PhotoPart& part, const Tensor& cells, const BilateralWidths& widths);
  /// y (pixels, C): the weighted means of cells x (1,h,w,C).
  void interpolate(const Tensor& x, real* y) const;
};

}  // namespace fu
