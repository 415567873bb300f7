// A grid of feature vectors, four pixels apart, that explains many jittered views of one photo: found by least squares,
// not by descent.
//
// A backbone's feature is, nearly, the mean over its patch of a high-resolution map F, and F at a pixel is a mean of
// the grid's cells around it, those of a like colour first (bilateral.h). So what the grid foretells of a view is
// linear in the grid, the same for every channel, and
//
//   sum over views of | foretold - seen |^2  +  smoothness * sum over neighbours a, b of like_color(a, b) | grid[a] -
//   grid[b] |^2
//
// has its smallest value where the normal equations hold. They are sparse: a cell meets only those within a patch of
// it. They are summed up view by view, so that memory does not grow with the number of views, and solved by conjugate
// gradients, all channels at once, in a fraction of a second, where stochastic gradient descent takes hundreds of steps
// to come near. Neighbours of like colour are held together, edges are free.
#pragma once

#include <memory>

#include "core/ops/rectangles.h"
#include "featup/photo/bilateral.h"
#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"

namespace fu {

struct GridOptions {
  Index spacing = 4;  // pixels from one cell to the next
  BilateralWidths widths{0.6, 0.1};
  double smoothness = 3e-2;  // weight of the prior, for each view: README.md has what others give
  double least =
      0.1;  // how firmly neighbours of the most different colours still hold together, beside those of the same
  double edge = 0.1;  // difference of colours at which neighbours part, in units of the range of a channel
};

/// The normal equations of one photo's grid.
class GridSystem {
 public:
  /// photo (1,H,W,3), colours in [0,1]; features of `channels`.
  GridSystem(const Tensor& photo, Index channels, const GridOptions& options = {});

  /// What the backbone said of the photo seen through the jitter: (1,h,w,C). All views have the same shape.
  void add(const Jitter& jitter, const Tensor& view);
  Index views() const { return views_; }
  /// Runs `iterations` of conjugate gradients from `start` (1,gh,gw,C), or from zeros. At least one view must be there.
  Tensor solve(const Tensor& start, int iterations) const;
  /// Mean over views, positions and channels of a grid's squared errors, from the sums alone.
  double error(const Tensor& grid) const;
  const Tensor& cells() const { return cells_; }  // colours (1,gh,gw,3)
  /// A grid's map at the photo's own size: (1,H,W,C).
  Tensor map(const Tensor& grid) const;

 private:
  struct Footprint;
  Footprint footprint(const AxisRows& rows, const AxisRows& cols, Index i, Index j) const;
  Tensor apply(const Tensor& matrix, const Tensor& x) const;
  double dot(const Tensor& a, const Tensor& b) const;

  GridOptions options_;
  Tensor cells_;
  PhotoTaps taps_;
  Index h_, w_, channels_, reach_ = 0, views_ = 0;
  Extent patch_;                        // rows and columns of a view's features
  std::unique_ptr<Rectangles> around_;  // of every cell, the cells within reach_: rows of the matrix
  Tensor matrix_;                       // its entries
  Tensor right_;                        // (1,gh,gw,C)
  double square_ = 0;
};

}  // namespace fu
