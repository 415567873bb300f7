// Which classes `segment` looks for, as its options say.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/classes/classifier.h"
#include "featup/probes/probe.h"
#include "tools/cli/arguments.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/word_args.h"

namespace fu {

struct ClassArgs {
  std::string text, words;                // words, or a file of them or of their vectors
  std::string probe;                      // a file of `probe train`
  bool head = false, keeps_words = true;  // the classifier in the backbone's file
  std::string chosen, names;              // of its classes: numbers, ranges or names; a file of names
  WordArgs how;

  void add(Command& app);
  /// throws UsageError unless exactly one kind of classes was given.
  void check() const;
};

/// The classes, opened.
class ChosenClasses {
 public:
  ChosenClasses(const ClassArgs& args, const FeatureArgs& source);

  /// The probe, if the classes are one's; else null. It knows at which size, and with which upsampler, it wants photos.
  const Probe* probe() const { return probe_.get(); }

  /// With --head, the backbone that gives the features that the classifier reads; else null: as the options say.
  std::shared_ptr<const Backbone> backbone() const { return classifier_ ? classifier_->backbone() : nullptr; }
  /// Opens words, once their number of channels is known; checks that a probe learned from such features, if a backbone
  /// makes them. Adds to the report where the classes come from.
  void open(const Backbone* backbone, Index channels, Report& report, const CommonArgs& common);
  /// The classes of a photo. With --head and no --classes, those five that the classifier finds most likely;
  /// probabilities: receives theirs, else nothing.
  Classes of(const PhotoFeatures& photo, std::vector<double>& probabilities) const;
  /// Files that are read.
  std::vector<std::string> files() const;

 private:
  Tensor whole_image(const PhotoFeatures& photo) const;

  const ClassArgs& args_;
  std::string weights_;
  BackboneOptions options_;
  bool in_parts_;  // the backbone sees windows, or a photo that was not scaled
  std::unique_ptr<Classifier> classifier_;
  std::unique_ptr<Probe> probe_;
  std::vector<Index> numbers_;  // of the classifier's classes; empty: the most likely ones
  Classes classes_;
};

}  // namespace fu
