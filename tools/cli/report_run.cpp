#include "tools/cli/report_run.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/ops.h"
#include "tools/cli/view_scores.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr std::size_t kMostPanels = 4;
constexpr Index kPanel = 256;  // longer side of a picture, pixels

/// The photos to show: those that all methods see come first.
std::vector<bool> photos_to_show(std::size_t photos, std::size_t slow_every) {
  std::vector<bool> shown(photos);
  std::size_t count = 0;
  for (const bool for_all : {true, false})
    for (std::size_t i = 0; i < photos && count < kMostPanels; ++i)
      if ((i % slow_every == 0) == for_all) shown[i] = true, ++count;
  return shown;
}

std::string three_decimals(double v) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", v);
  return text;
}

}  // namespace

ReportRun::ReportRun(const EvalReportCommand& command, const ChosenInputs& photos)
    : o_(command),
      photos_(photos),
      left_out_(photos.left_out),
      featurizer_(o_.source),
      backbone_(feature_function(featurizer_.backbone())),
      shown_(photos_to_show(photos.paths.size(), usize(o_.slow_every))),
      bar_("eval report", o_.common.quiet) {
  require<UsageError>(
      featurizer_.backbone(),
      "eval report looks at each photo many times, so it needs a backbone; --features is one look. Give --backbone.");
  for (Index s = 0; s < o_.seeds; ++s)
    methods_.push_back(
        open_methods(o_.eval, {false, backbone_, o_.common.seed + static_cast<std::uint64_t>(s)}, stem_));
  require_maps(methods(), photos.names);
  if (!o_.labels.empty()) labels_ = std::make_unique<ReportLabels>(photos, o_.labels, o_.classes, left_out_);
  const Index classes = labels_ ? labels_->classes() : 2;
  numbers_.assign(methods().size(), MethodNumbers(photos.paths.size(), o_.seeds, classes));
  first_on_some_ = std::make_unique<ProbeScore>(o_.seeds, classes);
}

/// Every seed has its views and methods of its own, as `eval views --seed` has them.
void ReportRun::measure_method(std::size_t m, std::size_t i, const PhotoFeatures& photo,
                               const std::vector<HeldOutViews>& views, ReportPhoto* panels, const Judge* judge) {
  const Guide guide = photo.guide();
  MethodNumbers& numbers = numbers_[m];
  for (std::size_t s = 0; s < views.size(); ++s) {
    const Upsampler& upsampler = *methods_[s][m].upsampler;
    const double begin = now_seconds();
    const Tensor map = upsampler(photo.features, guide, photo.in_size);
    const double milliseconds = 1000 * (now_seconds() - begin);
    numbers.explained[i].push_back(explained_variance(views[s], upsampler, map));
    // Not std::min: it is NaN before the first.
    if (!(numbers.milliseconds[i] <= milliseconds)) numbers.milliseconds[i] = milliseconds;
    if (s == 0 && judge) name_pixels(m, i, photo, map, *judge);
    if (s > 0 || !panels) continue;
    const bool own = has_own_space(upsampler, photo.features);
    const FeatureColors colors(own ? upsampler.output_space(photo.features) : photo.features);
    panels->panels.push_back(
        {methods()[m].name, own ? "colours of its own" : "", fit_picture(colors.paint(map), kPanel)});
  }
  if (panels) panels->panels.back().title += ", " + three_decimals(spread_of(numbers.explained[i]).mean);
}

/// Class maps of one pass are upsampled anew, with their offsets. Means of many views, fits, and maps made elsewhere
/// keep a constant, so that the probes may as well come behind them, and no second fit is needed.
void ReportRun::name_pixels(std::size_t m, std::size_t i, const PhotoFeatures& photo, const Tensor& map,
                            const Judge& judge) {
  const ChannelMap& probes = labels_->probes(m);
  const Tensor logits = methods()[m].cost() == Cost::one_pass
                            ? (*methods()[m].upsampler)(photo.features, photo.guide(), photo.in_size, &probes)
                            : linear(map, probes.matrix.permute({1, 0}), Tensor()) + probes.offset;
  const Index classes = labels_->classes();
  numbers_[m].score.add(logits, judge.labels, judge.near, classes);
  numbers_[m].iou[i] = numbers_[m].score.image_iou.back();
  if (m == 0 && for_slow(i)) first_on_some_->add(logits, judge.labels, judge.near, classes);
}

void ReportRun::measure_photo(std::size_t i, Report& report) {
  const auto progress = [&](double part, const std::string& what) {
    bar_.update((static_cast<double>(i) + part) / static_cast<double>(photos_.paths.size()), what);
  };
  const std::string& input = photos_.paths[i];
  stem_ = photos_.names[i];
  progress(0, "backbone");
  const PhotoFeatures photo = featurizer_.run(input, report, {});
  const Tensor image = photo.guide()(0, 0);
  std::vector<HeldOutViews> views;
  double pass = INFINITY;
  for (Index s = 0; s < o_.seeds; ++s) {
    views.push_back(unseen_views(input, image, backbone_, o_.jitters, o_.common.seed + static_cast<std::uint64_t>(s)));
    const double begin = now_seconds();
    backbone_(image);
    pass = std::min(pass, now_seconds() - begin);
  }
  backbone_ms_.push_back(1000 * pass);
  report.stage("views");
  ReportPhoto shown;
  if (shown_[i]) {
    shown.name = std::filesystem::path(input).filename().string();
    const Image& seen = photo.views->at(photo.in_size.height, photo.in_size.width);
    shown.panels.push_back({"photo", "", fit_picture(seen, kPanel)});
    shown.panels.push_back({"the backbone's", cat(photo.features.dim(1), " x ", photo.features.dim(2)),
                            FeatureColors(photo.features).paint(photo.features)});
  }
  std::unique_ptr<Judge> judge;
  if (labels_ && labels_->judges(i)) {
    judge = std::make_unique<Judge>();
    judge->labels = labels_->of(i, photo, featurizer_.cropped());
    judge->near =
        near_boundaries(judge->labels, photo.in_size.height, photo.in_size.width, labels_->classes(), kNearOutline);
  }
  nlohmann::ordered_json one = {{"input", input}};
  for (std::size_t m = 0; m < methods().size(); ++m) {
    if (!sees(m, i)) continue;
    const std::string& name = methods()[m].name;
    progress(0.1 + 0.9 * static_cast<double>(m) / static_cast<double>(methods().size()), name);
    measure_method(m, i, photo, views, shown_[i] ? &shown : nullptr, judge.get());
    one["explained_variance"][name] = spread_of(numbers_[m].explained[i]).mean;
    one["explained_variance_of_seeds"][name] = numbers_[m].explained[i];
    if (judge) one["mean_iou"][name] = numbers_[m].iou[i];
    if (methods()[m].cost() != Cost::made_elsewhere) one["milliseconds"][name] = numbers_[m].milliseconds[i];
  }
  report.stage("methods");
  if (shown_[i]) panels_.push_back(std::move(shown));
  report["images"].push_back(one);
}

void ReportRun::measure(Report& report) {
  if (labels_)
    labels_->learn(photos_, featurizer_, methods(), o_.seeds, o_.common.seed, report,
                   [&](double) { bar_.update(0, "probes of labels"); });
  for (std::size_t i = 0; i < photos_.paths.size(); ++i) measure_photo(i, report);
  bar_.finish();
}

ReportRow ReportRun::row(const TableRow& of) const {
  std::vector<bool> take(photos_.paths.size(), true);
  for (std::size_t i = 0; i < take.size(); ++i) take[i] = !of.on_some || for_slow(i);
  const bool timed = methods()[of.method].cost() != Cost::made_elsewhere;
  ReportRow row(of.name, numbers_[of.method], take, timed);
  if (labels_) row.add_probe(of.on_some ? *first_on_some_ : numbers_[of.method].score, labels_->classes());
  return row;
}

std::vector<ReportRow> ReportRun::rows() const {
  std::vector<ReportRow> rows;
  for (const TableRow& of : table_rows(methods(), o_.slow_every)) rows.push_back(row(of));
  return rows;
}

std::vector<MethodQuality> ReportRun::qualities() const {
  std::vector<bool> judged(labels_ ? photos_.paths.size() : 0);
  for (std::size_t i = 0; i < judged.size(); ++i) judged[i] = labels_->judges(i);
  std::vector<MethodQuality> all;
  for (std::size_t m = 0; m < methods().size(); ++m)
    all.push_back(quality_of(methods()[m], numbers_[m], judged, row({methods()[m].name, m})));
  return all;
}

double ReportRun::backbone_milliseconds() const { return spread_of(backbone_ms_).mean; }

}  // namespace fu
