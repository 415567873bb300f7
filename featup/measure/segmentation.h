// Class maps of photos: labels in files, and how well predictions agree with them.
#pragma once

#include <string>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

/// One label a pixel, rows from the top.
using Labels = std::vector<unsigned char>;

/// Pixels within `reach` rows and columns of another label; labels from `classes` up are no neighbours, and never near.
std::vector<bool> near_boundaries(const Labels& labels, Index height, Index width, Index classes, Index reach);

/// How often a class was taken for another.
class Confusion {
 public:
  explicit Confusion(Index classes) : classes_(classes), counts_(static_cast<std::size_t>(classes * classes)) {}
  void add(Index label, Index predicted) { ++counts_[static_cast<std::size_t>(label * classes_ + predicted)]; }
  void add(const Confusion& other);
  /// Share of the pixels that were named right.
  double accuracy() const;
  /// Intersection over union; NaN for a class that is neither there nor predicted.
  double iou(Index c) const;
  /// Its mean over the classes that have one.
  double mean_iou() const;

 private:
  Index classes_;
  std::vector<Index> counts_;  // label by label
};

/// The largest of K numbers at every pixel: logits (1,H,W,C), channels [first, first + K).
Labels largest_of(const Tensor& logits, Index first, Index k);

/// Labels as colours, the same for the same label.
Image paint_labels(const Labels& labels, Index height, Index width, Index classes);

/// Mean and standard deviation of some numbers; those that are NaN are left out.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread_of(const std::vector<double>& values);

}  // namespace fu
