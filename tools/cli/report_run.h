// The measuring of `eval report`: every method on every photo.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/measure/views.h"
#include "tools/cli/progress.h"
#include "tools/cli/report_labels.h"
#include "tools/cli/report_table.h"
#include "tools/media/report_page.h"

namespace fu {

struct EvalReportCommand {
  std::vector<std::string> images;
  FeatureArgs source;
  Index jitters = 16, seeds = 2, slow_every = 1, classes = 0;
  std::string labels, output;
  EvalArgs eval;
  CommonArgs common;

  EvalReportCommand() { source.size = "224x224"; }
  void add(Command& app);
};

class ReportRun {
 public:
  /// Opens backbone, methods and labels: what is wrong with them is told before any work. It keeps both arguments.
  ReportRun(const EvalReportCommand& command, const ChosenInputs& photos);
  ReportRun(const ReportRun&) = delete;
  ReportRun& operator=(const ReportRun&) = delete;

  void measure(Report& report);

  const Featurizer& featurizer() const { return featurizer_; }
  /// Of the first seed.
  const std::vector<Method>& methods() const { return methods_.front(); }
  const ReportLabels* labels() const { return labels_.get(); }
  const std::string& left_out() const { return left_out_; }
  /// As the table lists them.
  std::vector<ReportRow> rows() const;
  std::vector<MethodQuality> qualities() const;
  /// Of one pass of the backbone, the mean over photos.
  double backbone_milliseconds() const;
  const std::vector<ReportPhoto>& panels() const { return panels_; }

 private:
  /// What a photo that judges knows of its pixels.
  struct Judge {
    Labels labels;
    std::vector<bool> near;  // an outline
  };
  void measure_photo(std::size_t i, Report& report);
  void measure_method(std::size_t m, std::size_t i, const PhotoFeatures& photo, const std::vector<HeldOutViews>& views,
                      ReportPhoto* panels, const Judge* judge);
  void name_pixels(std::size_t m, std::size_t i, const PhotoFeatures& photo, const Tensor& map, const Judge& judge);
  /// Whether photo i is one of those that methods of many passes see.
  bool for_slow(std::size_t i) const { return i % usize(o_.slow_every) == 0; }
  bool sees(std::size_t m, std::size_t i) const { return methods()[m].cost() != Cost::many_passes || for_slow(i); }
  ReportRow row(const TableRow& of) const;

  const EvalReportCommand& o_;
  const ChosenInputs& photos_;
  std::string left_out_;
  Featurizer featurizer_;
  FeatureFunction backbone_;
  std::string stem_;                           // of the photo at hand
  std::vector<std::vector<Method>> methods_;   // for each seed
  std::unique_ptr<ReportLabels> labels_;       // null: none
  std::vector<MethodNumbers> numbers_;         // of each method
  std::unique_ptr<ProbeScore> first_on_some_;  // of the first method, on the photos for slow ones
  std::vector<double> backbone_ms_;            // of each photo, the least over seeds
  std::vector<bool> shown_;                    // photos with panels
  std::vector<ReportPhoto> panels_;
  ProgressBar bar_;
};

}  // namespace fu
