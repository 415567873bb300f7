// featup eval probe: what upsampling is worth for segmentation. A linear layer is trained on frozen low-resolution
// features of labelled photos; its class maps of other photos, brought to full resolution by each method, are compared
// with the labels there.

#include "featup/probes/probe_trainer.h"
#include "tools/cli/inputs.h"
#include "tools/cli/labelled_photos.h"
#include "tools/cli/methods.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/probe_table.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

struct EvalProbeCommand {
  std::string images, labels, val_images, val_labels;
  Index classes = 11, seeds = 3, every = 1, slow_every = 8;
  BackboneArgs backbone;
  EvalArgs eval;
  CommonArgs common;

  void add(Command& app);
};

void EvalProbeCommand::add(Command& app) {
  app.add_option("--images", images, "folder of photos to learn from").required();
  app.add_option("--labels", labels,
                 "folder of their labels: pictures of the same names, a class a pixel: grey, or numbers of a palette")
      .required();
  app.add_option("--val-images", val_images, "folder of photos to name the pixels of").required();
  app.add_option("--val-labels", val_labels, "folder of their labels").required();
  app.add_option("--classes", classes, "labels from this number up are ignored").between(2, 255).show_default();
  app.add_option("--seeds", seeds, "probes, each trained from another seed").between(1, 100).show_default();
  app.add_option("--every", every, "only each N-th of the photos to name").between(1, 1000000).show_default();
  app.add_option("--slow-every", slow_every, "of those, each N-th for methods that need many passes of the backbone")
      .between(1, 1000000)
      .show_default();
  backbone.add(app);
  eval.add(app);
  common.add(app);
  app.footer(
      "Photos are cut to whole patches around the middle, not scaled.\n"
      "Example: featup eval probe --images train --labels train_labels --val-images val --val-labels val_labels "
      "--backbone deit_tiny_patch16_224.safetensors");
}

/// One run of the command. Methods are opened first: a wrong name should not cost minutes.
class EvalProbeRun {
 public:
  explicit EvalProbeRun(const EvalProbeCommand& command)
      : o_(command),
        train_(labelled_photos(o_.images, o_.labels, left_out_)),
        val_(every_nth(labelled_photos(o_.val_images, o_.val_labels, left_out_), o_.every)),
        backbone_(o_.backbone.open()),
        methods_(open_methods(o_.eval, {false, feature_function(backbone_.get()), o_.common.seed}, stem_)),
        scores_(methods_.size(), ProbeScore(o_.seeds, o_.classes)),
        first_on_some_(o_.seeds, o_.classes),
        bar_("eval probe", o_.common.quiet) {
    std::vector<std::string> stems;
    for (const LabelledPhoto& photo : val_) stems.push_back(photo.stem);
    require_maps(methods_, stems);
  }
  EvalProbeRun(const EvalProbeRun&) = delete;
  EvalProbeRun& operator=(const EvalProbeRun&) = delete;

  void learn(Report& report);
  void measure();
  std::vector<ProbeRow> rows() const;
  std::string headline() const;
  std::string caption() const;
  std::size_t learned_from() const { return train_.size(); }
  const Backbone& backbone() const { return *backbone_; }
  const std::string& left_out() const { return left_out_; }
  const std::string& first_stem() const { return val_.front().stem; }
  /// Of the first photo: itself, its labels, and every method's class map.
  const std::vector<Image>& pictures() const { return pictures_; }

 private:
  static std::vector<LabelledPhoto> every_nth(const std::vector<LabelledPhoto>& photos, Index n);
  void measure_photo(std::size_t i);
  /// Whether photo i is one of those that methods of many passes are asked about.
  bool for_slow(std::size_t i) const { return i % usize(o_.slow_every) == 0; }

  const EvalProbeCommand& o_;
  std::string left_out_;  // of all folders, in words
  std::vector<LabelledPhoto> train_, val_;
  std::unique_ptr<Backbone> backbone_;
  std::string stem_;  // of the photo at hand
  std::vector<Method> methods_;
  ChannelMap probes_;  // side by side: (C, seeds * classes)
  std::vector<ProbeScore> scores_;
  ProbeScore first_on_some_;  // of the first method, on the photos for slow ones
  std::vector<Image> pictures_;
  ProgressBar bar_;
};

std::vector<LabelledPhoto> EvalProbeRun::every_nth(const std::vector<LabelledPhoto>& photos, Index n) {
  std::vector<LabelledPhoto> chosen;
  for (std::size_t i = 0; i < photos.size(); i += usize(n)) chosen.push_back(photos[i]);
  return chosen;
}

/// A probe for each seed. memory: the features of all labelled photos.
void EvalProbeRun::learn(Report& report) {
  std::vector<LabelledFeatures> labelled;
  for (std::size_t i = 0; i < train_.size(); ++i) {
    bar_.update(0.3 * static_cast<double>(i) / static_cast<double>(train_.size()), "features of labelled photos");
    CutPhoto cut(train_[i], backbone_->patch());
    labelled.push_back(cut.with_features(backbone_->features(normalize(cut.photo))));
  }
  report.stage("features");
  std::vector<ChannelMap> probes;
  for (Index s = 0; s < o_.seeds; ++s) {
    ProbeOptions options;
    options.outputs = o_.classes, options.seed = o_.common.seed + static_cast<std::uint64_t>(s);
    probes.push_back(probe_outputs(train_probe(labelled, options, [&](double part) {
      bar_.update(0.3 + 0.2 * (static_cast<double>(s) + part) / static_cast<double>(o_.seeds), "probes");
    })));
  }
  probes_ = joined(probes);
  // Class maps are upsampled with their offsets, so that kernels whose weights do not sum to 1 favour no class. Means
  // of many views, and maps made elsewhere, keep a constant: for them the order does not matter.
  probes_.offset_first = true;
  report.stage("probes");
}

void EvalProbeRun::measure_photo(std::size_t i) {
  stem_ = val_[i].stem;
  const CutPhoto cut(val_[i], backbone_->patch());
  const Extent size{cut.photo.height, cut.photo.width};
  const Guide guide = guide_of(std::make_shared<PhotoViews>(cut.photo, false), size);
  const Tensor features = backbone_->features(guide(0, 0));
  const std::vector<bool> near = near_boundaries(cut.labels, size.height, size.width, o_.classes, kNearOutline);
  if (i == 0) pictures_ = {cut.photo, paint_labels(cut.labels, size.height, size.width, o_.classes)};
  for (std::size_t m = 0; m < methods_.size(); ++m) {
    if (methods_[m].cost() == Cost::many_passes && !for_slow(i)) continue;
    const double part = static_cast<double>(m) / static_cast<double>(methods_.size());
    bar_.update(0.5 + 0.5 * (static_cast<double>(i) + part) / static_cast<double>(val_.size()), methods_[m].name);
    const double begin = now_seconds();
    const Tensor logits = (*methods_[m].upsampler)(features, guide, size, &probes_);
    scores_[m].seconds += now_seconds() - begin;
    const Labels named = scores_[m].add(logits, cut.labels, near, o_.classes);
    if (i == 0) pictures_.push_back(paint_labels(named, size.height, size.width, o_.classes));
    if (m == 0 && for_slow(i)) first_on_some_.add(logits, cut.labels, near, o_.classes);
  }
}

/// All methods name the pixels of a photo before the next one is read.
void EvalProbeRun::measure() {
  for (std::size_t i = 0; i < val_.size(); ++i) measure_photo(i);
  bar_.finish();
}

std::vector<ProbeRow> EvalProbeRun::rows() const {
  std::vector<ProbeRow> rows;
  for (const TableRow& row : table_rows(methods_, o_.slow_every))
    rows.emplace_back(row.name, row.on_some ? first_on_some_ : scores_[row.method], o_.classes);
  return rows;
}

std::string EvalProbeRun::headline() const {
  return cat("linear probe: ", train_.size(), " photos to learn from, ", val_.size(), " to name, ", o_.seeds,
             " seeds; ", backbone().describe());
}

std::string EvalProbeRun::caption() const {
  return backbone().describe() + "; whiskers: standard deviation over " + std::to_string(o_.seeds) + " seeds";
}

int run_eval_probe(const EvalProbeCommand& o, const Program&) {
  Report report("eval probe", {}, o.common.json);
  EvalProbeRun run(o);
  const std::string folder = output_folder(o.eval.output), chart = folder + "/eval-probe.svg",
                    picture = folder + "/eval-probe.png";
  report_left_out(report, run.left_out(), o.common);
  run.learn(report);
  run.measure();
  report.stage("methods");
  const std::vector<ProbeRow> rows = run.rows();
  report_backbone(report, &run.backbone(), run.backbone().describe(), o.backbone, o.common);
  report["images"] = {{"train", run.learned_from()}, {"val", rows.front().images}};
  report["seeds"] = o.seeds;
  for (const ProbeRow& row : rows) report["methods"].push_back(row.json());
  if (!o.common.json) print_probe_table(rows, run.headline());
  write_probe_chart(chart, rows, run.caption());
  write_png(picture, in_rows(run.pictures(), 3));
  report["outputs"] = {chart, picture};
  if (o.common.prints_text())
    say("chart %s, class maps of %s %s\n", chart.c_str(), run.first_stem().c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_eval_probe(Command& command, Program& program) { add_command(command, program, run_eval_probe); }

}  // namespace fu
