// How well predicted numbers agree with measured ones, such as depth.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Errors of one output over many pixels. source of the measures: Eigen, Puhrsch, Fergus, arXiv 1406.2283
class NumberScore {
 public:
  void add(double predicted, double measured);
  Index count() const { return count_; }
  /// Root of the mean squared difference; NaN without pixels.
  double rmse() const;
  /// Mean of |difference| / |measured|, over pixels whose measured number is not 0; NaN without such.
  double relative_error() const;
  /// Share of pixels where predicted / measured and measured / predicted are below 1.25; NaN unless all measured
  /// numbers are positive.
  double within_quarter() const;
  /// Standard deviation of the measured numbers: the rmse of who always says their mean.
  double deviation() const;

 private:
  Index count_ = 0, relative_count_ = 0, near_ = 0;
  bool positive_ = true;
  double squares_ = 0, relative_ = 0, sum_ = 0, sum_squares_ = 0;
};

}  // namespace fu
