// The learned grid of a fit: its equations, which grow view by view, and its solution, which is judged now and then.
#pragma once

#include "featup/fit/feature_grid.h"
#include "featup/fit/validation_views.h"

namespace fu {

/// A grid that learns from one view after another.
class GridFit {
 public:
  /// photo (1,H,W,3), colours in [0,1]; features of `channels`, as are the views for validation, which must all be
  /// there and outlive this.
  GridFit(const Tensor& photo, Index channels, const GridOptions& options, const ValidationViews& validation);

  /// Adds a view to the equations; solve() takes it into the solution.
  void add(const JitteredView& view) { equations_.add(view.jitter, view.features); }
  Index views() const { return equations_.views(); }
  /// Goes on with the solution from where it was, and judges it. Returns the explained variance of the views for
  /// validation.
  double solve();
  /// Whether more views would not help: twice in a row a gain of less than a thousandth over three solutions before.
  bool settled() const;

  const Tensor& grid() const { return grid_; }  // the last solution, (1,gh,gw,C)
  double loss() const { return loss_; }         // its mean squared error on the views that were added
  /// A grid's map at the photo's own size: (1,H,W,C).
  Tensor map(const Tensor& grid) const { return equations_.map(grid); }

 private:
  const ValidationViews& validation_;
  GridSystem equations_, validation_equations_;  // the second only measure errors, without making a map
  Tensor grid_;
  double loss_ = 0;
  std::vector<double> explained_;  // by each solution
};

}  // namespace fu
