// Which upsampler to take: a rule over the numbers of `eval report`, and its sentence.
#pragma once

#include <string>
#include <vector>

#include "featup/upsamplers/upsampler.h"

namespace fu {

/// One measure of one method; higher is better.
struct Quality {
  double value = 0;  // over all that was measured, as the table shows it
  /// The same of each photo, in the same order for all methods, NaN where it was not measured. Where there is one photo
  /// alone, of each seed. Empty: nothing was measured.
  std::vector<double> samples;
};

struct MethodQuality {
  std::string name;
  Cost cost = Cost::one_pass;
  double milliseconds = 0;  // a photo, without the backbone's pass
  Quality explained;        // share of the variance of unseen views
  Quality iou;              // mean IoU of a linear probe, %; no samples without labels
};

/// By how much one is better than another: the mean of the differences of the samples that both have.
struct Gain {
  double mean = 0;
  double spread = 0;  // of the mean: the standard deviation of the differences (over n - 1), divided by sqrt(n)
  std::size_t samples = 0;

  /// Above 0 by more than the spread; with one sample, whose spread is unknown, above 0.
  bool clear() const { return samples > 0 && mean > spread; }
};
Gain gain_of(const Quality& better, const Quality& than);

struct Recommendation {
  std::string pick;  // a method of one pass
  bool above_reference = false;
  std::string slow;        // a method of many passes that is better than the pick; empty: none
  bool by_labels = false;  // follows the mean IoU, else the explained variance
  bool agree = true;       // the other measure picks the same; true without labels
  std::string sentence;    // all of that, for people
};

/// The rule. Of the methods of one pass, the one of the highest value is picked, if it is clearly better than the
/// reference, which is the first method; else the reference. Of the methods of many passes, the one of the highest
/// value is named if it is clearly better than the pick. With labels the measure is the mean IoU, and the explained
/// variance is asked whether it picks the same. Methods that were made elsewhere have no known cost and are not picked.
/// throws UsageError without methods.
Recommendation recommend(const std::vector<MethodQuality>& methods);

/// "12 ms", "0.4 ms", "3.9 s".
std::string time_text(double milliseconds);

}  // namespace fu
