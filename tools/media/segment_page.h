// A page for the browser that shows where a photo shows what: masks and heatmaps of words or classes, and the scores of
// all of them at a point. It is one file and needs no network: tools/media/segment_page.html with the data written into
// it.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

struct SegmentPageData {
  std::string name;  // of the photo
  Image photo;
  std::vector<std::string> names;                    // of the K classes; any text, shown as it is
  std::vector<std::array<unsigned char, 3>> colors;  // of the K classes
  Tensor scores;                                     // (1,H,W,K): what is compared: cosines or logits
  // Probability of a class: the softmax over all of scale * score, or its own sigmoid(scale * score + bias).
  double scale = 1, bias = 0;
  bool sigmoid = false;
  bool activation = false;  // in place of a probability: the score between its smallest and its largest one
  double least = -1;        // probability asked for at first, in steps of 0.01; negative: 0 of a softmax, else 0.5
  std::vector<std::pair<std::string, std::string>> settings;  // how it was made
};

/// Classes that a page can show: one number of a byte stands for "none".
constexpr Index kSegmentPageClasses = 255;

/// The page as text. The photo is scaled to H x W. Scores are stored as 8-bit numbers between the smallest and the
/// largest of their class: 4/3 H W K bytes. In the page, a pixel belongs to a class
///   softmax: where the class is the likeliest and has at least the probability that is chosen there;
///   sigmoid: where it has at least that probability.
/// throws ShapeError if the scores are not (1,H,W,K) with 1 to 255 names and as many colours.
std::string segment_page(const SegmentPageData& data);

/// The size that scores should be reduced to, so that the page stays below 4 MB: that of the result, or smaller in the
/// same shape.
Extent segment_page_extent(Extent result, Index classes);

}  // namespace fu
