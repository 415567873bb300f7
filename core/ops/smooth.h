// Edge-aware smoothing of a map: each pixel is drawn towards the neighbours that it is linked to. Where a link is 0, as
// at an edge of the photo, nothing passes.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Along each row, then along each column, y minimises
///   sum over pixels |y - x|^2 + s * sum over neighbours link |y - y'|^2
/// These are tridiagonal equations. Their factors are the same for all channels, and are computed once. Rows and
/// columns are smoothed twice, with s = 0.4 and s = 0.1 times the strength: the second round removes streaks that the
/// first one leaves. Where links are 1, a pixel reaches about sqrt(strength) pixels far. memory: 12 numbers a pixel.
/// source: Min et al., "Fast global image smoothing based on weighted least squares" (IEEE TIP 2014)
class LinkSmoother {
 public:
  /// across, down (h,w), from 0 to 1: a pixel's link to its right neighbour, and to the one below; those of the last
  /// column and of the last row are not used. throws ShapeError if the two differ or are empty, UsageError unless
  /// strength is a finite number of at least 0.
  LinkSmoother(const Tensor& across, const Tensor& down, double strength);

  /// Smooths x (1,h,w,C) in place. cost: 20 operations a number; limited by memory bandwidth. throws ShapeError for
  /// another size.
  void apply(Tensor& x) const;
  /// The transpose of apply: its backward pass.
  void apply_transposed(Tensor& x) const;

 private:
  void check(const Tensor& x) const;
  void rows(Tensor& x, int round) const;
  void columns(Tensor& x, int round) const;

  static constexpr int kRounds = 2;
  Index h_, w_;
  Tensor factors_;  // (rounds, rows or columns, own / past / next, h, w)
};

}  // namespace fu
