#include "featup/measure/number_score.h"

#include <algorithm>
#include <cmath>

namespace fu {

void NumberScore::add(double predicted, double measured) {
  const double difference = predicted - measured;
  ++count_;
  squares_ += difference * difference;
  sum_ += measured, sum_squares_ += measured * measured;
  if (measured != 0) relative_ += std::abs(difference / measured), ++relative_count_;
  positive_ = positive_ && measured > 0;
  if (predicted > 0 && measured > 0 && std::max(predicted / measured, measured / predicted) < 1.25) ++near_;
}

double NumberScore::rmse() const { return count_ > 0 ? std::sqrt(squares_ / static_cast<double>(count_)) : NAN; }

double NumberScore::relative_error() const {
  return relative_count_ > 0 ? relative_ / static_cast<double>(relative_count_) : NAN;
}

double NumberScore::within_quarter() const {
  return count_ > 0 && positive_ ? static_cast<double>(near_) / static_cast<double>(count_) : NAN;
}

double NumberScore::deviation() const {
  if (count_ == 0) return NAN;
  const double n = static_cast<double>(count_), mean = sum_ / n;
  return std::sqrt(std::max(0.0, sum_squares_ / n - mean * mean));
}

}  // namespace fu
