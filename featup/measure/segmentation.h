// Class maps of photos, and how well predictions agree with labels.
#pragma once

#include <string>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

/// One label a pixel, rows from the top.
using Labels = std::vector<unsigned char>;

/// For every pixel (height, width): whether a pixel of another label lies within `reach` rows and columns. Labels from
/// `classes` up stand for "no class": such pixels are never near a boundary, and make none. cost: 4 reach an element.
std::vector<bool> near_boundaries(const Labels& labels, Index height, Index width, Index classes, Index reach);

/// The confusion matrix: how many pixels of each label were predicted as each class.
class Confusion {
 public:
  /// Of no pixels yet.
  explicit Confusion(Index classes) : classes_(classes), counts_(usize(classes * classes)) {}
  /// Counts a pixel; both numbers are from 0 to classes - 1.
  void add(Index label, Index predicted) { ++counts_[usize(label * classes_ + predicted)]; }
  /// Counts all pixels of another one, of as many classes.
  void add(const Confusion& other);
  Index count(Index label, Index predicted) const { return counts_[usize(label * classes_ + predicted)]; }
  /// Share of the pixels whose prediction is their label; NaN without pixels.
  double accuracy() const;
  /// Intersection over union of label and prediction; NaN for a class that neither contains.
  double iou(Index c) const;
  /// The mean of iou over the classes where it is a number.
  double mean_iou() const;

 private:
  Index classes_;
  std::vector<Index> counts_;  // (label, predicted)
};

/// The position of the largest of k logits at every pixel: logits (1,H,W,C), channels [first, first + k) -> (H,W)
/// numbers from 0 to k - 1.
Labels largest_of(const Tensor& logits, Index first, Index k);

/// Labels as a picture in the colours of class_color(). Labels from `classes` up are black.
Image paint_labels(const Labels& labels, Index height, Index width, Index classes);

/// Mean and standard deviation (over n) of some numbers. Numbers that are not finite are left out; without any, the
/// mean is NaN and the deviation 0.
struct Spread {
  double mean = 0, deviation = 0;
};
/// Of these numbers.
Spread spread_of(const std::vector<double>& values);

}  // namespace fu
