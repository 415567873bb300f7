// Edge-aware smoothing of a map: pixels become like the neighbours that they are linked to, and not across where there
// is no link.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Along each row, then along each column, y minimises
///   sum over pixels |y - x|^2 + s * sum over neighbours link |y - y'|^2:
/// tridiagonal equations, whose factors are the same for all channels and made once. There are two rounds, of s = .4
/// and .1 strength: streaks that one leaves go in the next. A pixel's values travel about sqrt(strength) pixels where
/// links are 1. memory: 12 numbers a pixel. source: Min et al., "Fast global image smoothing based on weighted least
/// squares" (IEEE TIP 2014)
class LinkSmoother {
 public:
  /// across, down (h,w), from 0 to 1: a pixel's link to its right neighbour, and to the one below; those of the last
  /// column and row lead nowhere. throws ShapeError, and UsageError unless strength is a number from 0 on.
  LinkSmoother(const Tensor& across, const Tensor& down, double strength);

  /// x (1,h,w,C), in place. cost: 20 flops a number, memory-bound. throws ShapeError.
  void apply(Tensor& x) const;
  /// The transpose of that, which takes gradients back.
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
