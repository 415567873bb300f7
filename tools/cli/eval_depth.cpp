// featup eval depth: what upsampling is worth for depth. A linear layer learns the logarithm of depth from frozen
// low-resolution features of rendered scenes; its maps of other scenes, brought to full resolution by each method, are
// compared with the true depth there.
#include <cmath>

#include "featup/measure/number_score.h"
#include "featup/measure/scene.h"
#include "featup/measure/segmentation.h"
#include "featup/probes/probe_trainer.h"
#include "tools/cli/methods.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/media/chart.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr Index kNear = 4;                   // pixels from an outline that count as near it
constexpr double kFarthest = 20;             // metres; what is farther counts as that far
constexpr std::uint64_t kLearned = 1000000;  // number of the first scene to learn from

struct EvalDepthCommand {
  Index scenes = 20, learn = 200, slow_every = 8;
  std::string size = "224";
  BackboneArgs backbone;
  EvalArgs eval;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("--scenes", scenes, "how many to measure").between(1, 100000).show_default();
    app.add_option("--learn", learn, "how many others to learn from").between(1, 100000).show_default();
    app.add_option("--slow-every", slow_every, "each N-th of them for methods that need many passes of the backbone")
        .between(1, 1000000)
        .show_default();
    app.add_option("--size", size, "of the scenes: N (square) or HxW").show_default();
    backbone.add(app);
    eval.add(app);
    common.add(app);
    app.footer("Example: featup eval depth --backbone deit_tiny_patch16_224.safetensors --upsampler stack.ckpt");
  }
};

/// Errors of one method, scene by scene.
struct DepthScores {
  std::vector<double> rmse, within, near_within;  // metres, %, %

  void add(const NumberScore& all, const NumberScore& near) {
    rmse.push_back(all.rmse());
    within.push_back(100 * all.within_quarter()), near_within.push_back(100 * near.within_quarter());
  }
  DepthScores each(Index n) const {
    DepthScores some;
    for (std::size_t i = 0; i < rmse.size(); i += usize(n))
      some.rmse.push_back(rmse[i]), some.within.push_back(within[i]), some.near_within.push_back(near_within[i]);
    return some;
  }
};

double true_depth(const RenderedScene& scene, Index p) {
  return std::min(kFarthest, static_cast<double>(scene.depth[usize(p)]));
}

/// Depth as a picture: near is yellow, far is blue, equally for all.
Image depth_picture(const std::vector<double>& depth, Index height, Index width) {
  Tensor shown({height, width});
  for (Index p = 0; p < shown.size(); ++p)
    shown.data()[p] = static_cast<real>(-std::log(std::clamp(depth[usize(p)], 1.0, kFarthest)));
  return heat_picture(shown);
}

class DepthTable {
 public:
  explicit DepthTable(const EvalDepthCommand& command)
      : o_(command), backbone_(o_.backbone.open()), size_(parse_square_or_extent(o_.size)) {
    require_whole_patches(o_.size, size_, *backbone_);
    methods_ = open_methods(o_.eval, {false, feature_function(backbone_.get()), o_.common.seed}, scene_name_);
    scores_.resize(methods_.size());
  }
  DepthTable(const DepthTable&) = delete;
  DepthTable& operator=(const DepthTable&) = delete;

  const Backbone& backbone() const { return *backbone_; }
  void learn(ProgressBar& bar);
  void measure(Index scene, ProgressBar& bar);
  std::vector<BarGroup> rows(Report& report) const;
  /// Of the first scene: itself, its depth, and every method's.
  const std::vector<Image>& pictures() const { return pictures_; }

 private:
  LabelledFeatures labelled(const RenderedScene& scene) const;
  void add_row(const std::string& name, const DepthScores& scores, std::vector<BarGroup>& groups, Report& report) const;

  const EvalDepthCommand& o_;
  std::unique_ptr<Backbone> backbone_;
  Extent size_;
  std::string scene_name_;  // of the scene at hand
  std::vector<Method> methods_;
  ChannelMap probe_;
  std::vector<DepthScores> scores_;
  DepthScores mean_;  // of who always says the mean of what was learned from
  double mean_log_ = 0;
  std::vector<Image> pictures_;
};

LabelledFeatures DepthTable::labelled(const RenderedScene& scene) const {
  LabelledFeatures l;
  l.features = backbone_->features(normalize(scene.image));
  l.height = size_.height, l.width = size_.width;
  l.numbers = Tensor({size_.height, size_.width, 1});
  for (Index p = 0; p < l.numbers.size(); ++p) l.numbers.data()[p] = static_cast<real>(std::log(true_depth(scene, p)));
  return l;
}

/// memory: the features and the depth of all scenes that are learned from.
void DepthTable::learn(ProgressBar& bar) {
  std::vector<LabelledFeatures> scenes;
  for (Index s = 0; s < o_.learn; ++s) {
    bar.update(0.3 * static_cast<double>(s) / static_cast<double>(o_.learn), "features of scenes to learn from");
    const std::uint64_t number = o_.common.seed + kLearned + static_cast<std::uint64_t>(s);
    scenes.push_back(labelled(render_scene(number, size_.height, size_.width)));
  }
  ProbeOptions options;
  options.kind = Probe::Kind::numbers, options.outputs = 1, options.seed = o_.common.seed;
  const Probe probe = train_probe(scenes, options, [&](double part) { bar.update(0.3 + 0.1 * part, "probe"); });
  // Kernels whose weights do not sum to 1 change the numbers by a share of them: around 0 that is little.
  probe_ = probe_outputs(probe, true);
  mean_log_ = static_cast<double>(probe.centre.item());
}

void DepthTable::measure(Index s, ProgressBar& bar) {
  scene_name_ = "scene" + std::to_string(s);
  const RenderedScene scene = render_scene(o_.common.seed + static_cast<std::uint64_t>(s), size_.height, size_.width);
  const Guide guide = guide_of(std::make_shared<PhotoViews>(scene.image, false), size_);
  const Tensor features = backbone_->features(guide(0, 0));
  const std::vector<bool> near = near_boundaries(scene.labels, size_.height, size_.width, 256, kNear);
  std::vector<double> truth, said(scene.depth.size());
  for (Index p = 0; p < size_.height * size_.width; ++p) truth.push_back(true_depth(scene, p));
  // of_centre: logarithms around the mean of what was learned from.
  const auto score = [&](const Tensor& of_centre, DepthScores& scores) {
    NumberScore all, close;
    for (std::size_t p = 0; p < truth.size(); ++p) {
      said[p] = std::min(kFarthest, std::exp(mean_log_ + static_cast<double>(of_centre.data()[p])));
      all.add(said[p], truth[p]);
      if (near[p]) close.add(said[p], truth[p]);
    }
    scores.add(all, close);
  };
  score(Tensor::zeros({size_.height, size_.width}), mean_);
  if (s == 0) pictures_ = {scene.image, depth_picture(truth, size_.height, size_.width)};
  for (std::size_t m = 0; m < methods_.size(); ++m) {
    const double part = static_cast<double>(m) / static_cast<double>(methods_.size());
    bar.update(0.4 + 0.6 * (static_cast<double>(s) + part) / static_cast<double>(o_.scenes), methods_[m].name);
    if (methods_[m].cost() == Cost::many_passes && s % o_.slow_every != 0) continue;
    score((*methods_[m].upsampler)(features, guide, size_, &probe_), scores_[m]);
    if (s == 0) pictures_.push_back(depth_picture(said, size_.height, size_.width));
  }
}

void DepthTable::add_row(const std::string& name, const DepthScores& scores, std::vector<BarGroup>& groups,
                         Report& report) const {
  const Spread rmse = spread_of(scores.rmse), within = spread_of(scores.within), near = spread_of(scores.near_within);
  groups[0].bars.push_back({name, within.mean, within.deviation});
  groups[1].bars.push_back({name, near.mean, near.deviation});
  groups[2].bars.push_back({name, rmse.mean, rmse.deviation});
  report["methods"].push_back({{"method", name},
                               {"scenes", scores.rmse.size()},
                               {"rmse", rmse.mean},
                               {"rmse_deviation", rmse.deviation},
                               {"within_1.25", within.mean},
                               {"within_1.25_deviation", within.deviation},
                               {"near_within_1.25", near.mean},
                               {"near_within_1.25_deviation", near.deviation}});
  if (o_.common.json) return;
  const std::size_t width = std::max(name_width(methods_), methods_[0].name.size() + 7);
  say("%-*s  RMSE %6.3f +- %.3f m  within 1.25 %5.2f +- %.2f %%  near outlines %5.2f +- %.2f %%  scenes %zu\n",
      static_cast<int>(width), name.c_str(), rmse.mean, rmse.deviation, within.mean, within.deviation, near.mean,
      near.deviation, scores.rmse.size());
}

/// The methods by cost, and last who always says the mean. Methods of many passes saw only some scenes: before them
/// stands the first method on the same ones.
std::vector<BarGroup> DepthTable::rows(Report& report) const {
  if (!o_.common.json)
    say("depth of %ld rendered scenes of %ldx%ld, by a linear layer that learned from %ld others; %s\n"
        "within 1.25: share of pixels whose depth is right within that factor; near: within %ld pixels of an outline; "
        "what "
        "is beyond %.0f m counts as that far\n",
        static_cast<long>(o_.scenes), static_cast<long>(size_.height), static_cast<long>(size_.width),
        static_cast<long>(o_.learn), backbone().describe().c_str(), static_cast<long>(kNear), kFarthest);
  std::vector<BarGroup> groups = {
      {"within a factor of 1.25, %", {}}, {"the same near outlines, %", {}}, {"RMSE, m", {}}};
  for (const TableRow& row : table_rows(methods_, o_.slow_every))
    add_row(row.name, row.on_some ? scores_[0].each(o_.slow_every) : scores_[row.method], groups, report);
  add_row("always the mean", mean_, groups, report);
  return groups;
}

int run_eval_depth(const EvalDepthCommand& o, const Program&) {
  Report report("eval depth", {}, o.common.json);
  DepthTable table(o);
  const std::string folder = output_folder(o.eval.output), chart = folder + "/eval-depth.svg",
                    picture = folder + "/eval-depth.png";
  ProgressBar bar("eval depth", o.common.quiet);
  table.learn(bar);
  report.stage("probe");
  for (Index s = 0; s < o.scenes; ++s) table.measure(s, bar);
  bar.finish();
  report.stage("methods");
  report_backbone(report, &table.backbone(), table.backbone().describe(), o.backbone, o.common);
  report["scenes"] = o.scenes, report["learned_from"] = o.learn;
  write_bar_chart(
      chart, "Depth of rendered scenes", table.rows(report),
      table.backbone().describe() + "; whiskers: standard deviation over " + std::to_string(o.scenes) + " scenes");
  write_png(picture, in_rows(table.pictures(), 3));
  report["outputs"] = {chart, picture};
  if (o.common.prints_text()) say("chart %s, depth of the first scene %s\n", chart.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_eval_depth(Command& command, Program& program) { add_command(command, program, run_eval_depth); }

}  // namespace fu
