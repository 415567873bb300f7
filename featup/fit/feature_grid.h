// A grid of feature vectors, four pixels apart, that explains many jittered views of one photo. It is found by least
// squares, not by gradient descent.
//
// A backbone's feature is nearly the mean, over its patch, of a high-resolution map F. F at a pixel is a weighted mean
// of the grid's cells around it, where cells of like colour weigh most (bilateral.h). So the grid's prediction of a
// view is linear in the grid, the same for every channel, and
//
//   sum over views of | prediction - view |^2
//     + smoothness * sum over neighbouring cells a, b of link(a, b) | grid[a] - grid[b] |^2
//
// has its minimum where the normal equations hold. link() is large between cells of like colour and small across edges.
// The equations are sparse: a cell shares them only with cells within a patch of it. They are summed up view by view,
// so that memory does not grow with the number of views, and solved by conjugate gradients for all channels at once, in
// a fraction of a second. Stochastic gradient descent takes hundreds of steps to come near.
#pragma once

#include <memory>

#include "core/ops/rectangles.h"
#include "featup/photo/bilateral.h"
#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// How fine a grid is, and how much its prior counts.
struct GridOptions {
  Index spacing = 4;                 // pixels from one cell to the next
  BilateralWidths widths{0.6, 0.1};  // of the interpolation between cells
  double smoothness = 3e-2;          // weight of the prior, for each view: README.md has what others give
  double least_link = 0.1;           // link of cells of the most different colours; that of like ones is 1
  double edge = 0.1;                 // width of the link's Gaussian of colours, a channel's range being 1
};

/// The normal equations of one photo's grid.
class GridSystem {
 public:
  /// photo (1,H,W,3), colours in [0,1]; features of `channels`.
  GridSystem(const Tensor& photo, Index channels, const GridOptions& options = {});

  /// view (1,h,w,C): the backbone's features of the photo seen through the jitter. All views have the same shape.
  void add(const Jitter& jitter, const Tensor& view);
  /// How many were added.
  Index views() const { return views_; }
  /// Runs `iterations` of conjugate gradients from `start` (1,gh,gw,C), or from zeros if its size is 0. throws
  /// UsageError without views.
  Tensor solve(const Tensor& start, int iterations) const;
  /// The same with a prior about a map that is there, such as an upsampler's result: it is the difference from `mean`
  /// (1,gh,gw,C) that shall be smooth. With few views this tells much of what they do not. Starts from the mean.
  Tensor solve_about(const Tensor& mean, int iterations) const;
  /// Mean squared error of a grid's predictions over views, positions and channels. It follows from the sums, without
  /// the views.
  double error(const Tensor& grid) const;
  const Tensor& cells() const { return cells_; }  // colours (1,gh,gw,3)
  /// A grid's map at the photo's own size: (1,H,W,C).
  Tensor map(const Tensor& grid) const;

 private:
  struct Footprint;
  void lay_out(Index h, Index w);
  Footprint footprint(const AxisRows& rows, const AxisRows& cols, Index i, Index j) const;
  Tensor apply(const Tensor& matrix, const Tensor& x) const;
  Tensor solve(const Tensor& right, const Tensor& start, int iterations) const;
  double dot(const Tensor& a, const Tensor& b) const;

  GridOptions options_;
  Tensor cells_;
  PhotoTaps taps_;
  Index h_, w_, channels_, views_ = 0;
  Extent view_size_;                    // rows and columns of a view's features
  std::unique_ptr<Rectangles> around_;  // of every cell, the cells that share equations with it: rows of the matrix
  Tensor matrix_;                       // its entries
  Tensor right_;                        // (1,gh,gw,C)
  double energy_ = 0;                   // sum of the squares of all views
};

}  // namespace fu
