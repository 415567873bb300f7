// One training of a probe under way: its photos, its cache, what it has learned so far.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "featup/probes/probe_trainer.h"
#include "featup/probes/sample_store.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/probe_cache.h"
#include "tools/cli/probe_features.h"
#include "tools/cli/probe_scores.h"
#include "tools/cli/progress.h"
#include "tools/cli/report.h"

namespace fu {

/// What the command line of `featup probe train` said.
struct ProbeTrainCommand {
  std::string images, labels, val_images, val_labels, output, class_names, unit;
  BackboneArgs backbone;
  bool restart = false;
  double checkpoint = 30;  // seconds
  FieldOptions data_fields, fields;
  CommonArgs common;

  void add(Command& app);
  ProbeDataOptions data() const;
};

/// Where the confusion of a probe's classes is drawn: NAME.confusion.svg beside it.
std::string chart_of(const std::string& probe);

/// How the held-out photos judged: what decides when training ends.
struct ProbeCourse {
  std::vector<double> scores;  // after each epoch
  Index best = 0;              // the epoch of the best one, from 1; 0: none yet
  Probe probe;                 // as it was then

  void add(double score, const Probe& now);
  bool ended(Index epochs, Index patience) const;
};

/// The probe is trained twice. First without the held-out photos, which judge it after each epoch; then on all photos,
/// for as many epochs as were best.
class ProbeRun {
 public:
  /// Opens backbone, photos and cache. throws FileError, UsageError.
  ProbeRun(const ProbeTrainCommand& command, const ProbeDataOptions& data, const std::string& output);

  /// Features of drawn pixels of all photos that are not in the cache yet.
  void collect();
  void learn();
  /// The held-out photos' pixels, all of them, by the probe that has not seen them. None are held out: no scores.
  std::optional<ProbeScores> judge();
  /// Writes the probe, then removes the cache.
  void write(const std::string& arguments);
  /// Removes a cache that holds nothing yet.
  void give_up();

  const Backbone& backbone() const { return features_.backbone(); }
  const ProbeFeatures& features() const { return features_; }
  const ProbePhotos& photos() const { return photos_; }
  const ProbeCourse& course() const { return course_; }
  const std::vector<std::string>& names() const { return names_; }
  const ProbeOptions& options() const { return options_; }
  Index held_out() const;
  bool resumed() const { return cache_->resumed(); }
  Index samples() const { return samples_; }
  const Probe& probe() const { return probe_; }

 private:
  std::string settings() const;
  void read_names();
  void hold_out();
  /// Whether photo i judges.
  bool judges(Index i) const { return held_[usize(i)]; }
  void checked_step(ProbeTrainer& trainer, const char* phase, double from, double part);
  void trial();
  void final_training();
  ProbeScores score_samples(const Probe& probe, const std::vector<std::uint32_t>& samples) const;
  void save(ProbeTrainer& trainer, const char* phase);
  void load();

  const ProbeTrainCommand& o_;
  ProbeDataOptions data_;
  ProbeOptions options_;
  std::string output_;
  ProbeFeatures features_;
  ProbePhotos photos_;
  std::vector<std::string> names_;
  std::vector<bool> held_;
  Interruptible interruptible_;
  std::unique_ptr<ProbeCache> cache_;
  std::unique_ptr<SampleStore> store_;
  Random draws_;  // behind the last drawn pixel
  ProbeCourse course_;
  std::unique_ptr<Weights> state_;  // of an earlier run
  Probe probe_;                     // trained on all photos
  Index samples_ = 0;
  double saved_ = 0;
  ProgressBar bar_;
};

}  // namespace fu
