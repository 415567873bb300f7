// The labels of `eval report`: every second labelled photo is learned from, the others judge.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/cli/labelled_photos.h"
#include "tools/cli/methods.h"
#include "tools/cli/photo_features.h"

namespace fu {

class ReportLabels {
 public:
  /// Finds the labels of the photos, each of the photo's name; photos may have none. classes: labels from this number
  /// up are ignored; 0: as many as the labels have. left_out: what the folder holds besides pictures is added. throws
  /// FileError for fewer than 4 labelled photos, or labels that cannot be read; UsageError for fewer than 2 classes.
  ReportLabels(const ChosenInputs& photos, const std::string& folder, Index classes, std::string& left_out);

  Index classes() const { return classes_; }
  Index labelled() const { return labelled_; }
  /// Whether photo i judges: the first labelled one, the third, ...
  bool judges(std::size_t i) const { return !files_[i].empty() && even_[i]; }
  /// Labels at the size at which the backbone saw the photo, of the same part of it: of each pixel's centre.
  Labels of(std::size_t i, const PhotoFeatures& photo, bool cropped) const;
  /// Trains probes on the features of the labelled photos that do not judge, one for each seed from `seed` on.
  /// progress: share of the photos and the probes done. memory: the features of these photos.
  void learn(const ChosenInputs& photos, const Featurizer& featurizer, const std::vector<Method>& methods, Index seeds,
             std::uint64_t seed, Report& report, const std::function<void(double)>& progress);
  /// The probes of a method, side by side: (C, seeds * classes). A method that prepares features has probes of its own.
  const ChannelMap& probes(std::size_t method) const { return probes_[of_method_[method]]; }

 private:
  Index classes_ = 0, labelled_ = 0;
  std::vector<std::string> files_;  // of each photo; empty: none
  std::vector<bool> even_;          // of each photo, whether the number of labelled ones before it is even
  std::vector<ChannelMap> probes_;  // the first: of features as they are
  std::vector<std::size_t> of_method_;
};

}  // namespace fu
