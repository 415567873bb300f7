// featup eval scene: how exactly features draw outlines, in scenes that the program renders. Their labels are exact,
// where those of photos are only as exact as the hand that drew them.
#include <algorithm>

#include "core/ops/pca.h"
#include "featup/measure/scene.h"
#include "tools/cli/methods.h"
#include "tools/cli/outlines.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/media/chart.h"
#include "tools/media/image_io.h"
#include "tools/media/legends.h"
#include "tools/media/pictures.h"
#include "tools/media/pixel_text.h"

namespace fu {

namespace {

constexpr Index kComponents = 32;  // principal components of the low-resolution features that are compared
constexpr Index kTolerance = 2;    // pixels by which an outline may be off

struct EvalSceneCommand {
  Index scenes = 20, slow_every = 8;
  std::string size = "224";
  BackboneArgs backbone;
  EvalArgs eval;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("--scenes", scenes, "how many").between(1, 100000).show_default();
    app.add_option("--slow-every", slow_every, "each N-th of them for methods that need many passes of the backbone")
        .between(1, 1000000)
        .show_default();
    app.add_option("--size", size, "of the scenes: N (square) or HxW").show_default();
    backbone.add(app);
    eval.add(app);
    common.add(app);
    app.footer("Example: featup eval scene --backbone deit_tiny_patch16_224.safetensors --upsampler stack.ckpt");
  }
};

/// Scores of one method, scene by scene.
struct Scores {
  std::vector<double> outlines, clicks;
};

/// All methods on all scenes.
class SceneTable {
 public:
  explicit SceneTable(const EvalSceneCommand& command)
      : o_(command), backbone_(o_.backbone.open()), size_(parse_square_or_extent(o_.size)) {
    require_whole_patches(o_.size, size_, *backbone_);
    methods_ = open_methods(o_.eval, {false, feature_function(backbone_.get()), o_.common.seed}, scene_name_);
    scores_.resize(methods_.size());
  }
  SceneTable(const SceneTable&) = delete;
  SceneTable& operator=(const SceneTable&) = delete;

  const Backbone& backbone() const { return *backbone_; }
  void measure(Index scene, ProgressBar& bar);
  void print_heading() const;
  std::vector<BarGroup> rows(Report& report) const;
  /// Of the first scene: itself, its labels, and every method's clusters.
  const std::vector<Image>& pictures() const { return pictures_; }

 private:
  void add_row(const std::string& name, const Scores& scores, std::vector<BarGroup>& groups, Report& report) const;
  Scores on_some(const Scores& all) const;

  const EvalSceneCommand& o_;
  std::unique_ptr<Backbone> backbone_;
  Extent size_;
  std::string scene_name_;  // of the scene at hand
  std::vector<Method> methods_;
  std::vector<Scores> scores_;
  std::vector<Image> pictures_;
};

void SceneTable::measure(Index s, ProgressBar& bar) {
  scene_name_ = "scene" + std::to_string(s);
  const RenderedScene scene = render_scene(o_.common.seed + static_cast<std::uint64_t>(s), size_.height, size_.width);
  const Guide guide = guide_of(std::make_shared<PhotoViews>(scene.image, false), size_);
  const Tensor features = backbone_->features(guide(0, 0));
  const Index objects = 1 + *std::max_element(scene.labels.begin(), scene.labels.end());
  const Clicks clicks = clicks_on_all(scene.labels, size_.height, size_.width, objects);
  const auto titled = [&](const Image& picture, const std::string& title) {
    return add_title(picture, title, text_scale(size_.height));
  };
  if (s == 0)
    pictures_ = {titled(scene.image, "scene"),
                 titled(paint_labels(scene.labels, size_.height, size_.width, objects), "exact outlines")};
  for (std::size_t m = 0; m < methods_.size(); ++m) {
    const double part = static_cast<double>(m) / static_cast<double>(methods_.size());
    bar.update((static_cast<double>(s) + part) / static_cast<double>(o_.scenes), methods_[m].name);
    if (methods_[m].cost() == Cost::many_passes && s % o_.slow_every != 0) continue;
    const Upsampler& upsampler = *methods_[m].upsampler;
    const Tensor space = upsampler.output_space(features);
    const Pca pca = fit_pca(space, std::min(kComponents, space.dim(3)));
    const ChannelMap map{pca.components.permute({1, 0}), {}};
    const Tensor x = upsampler(features, guide, size_, &map);
    // The background has two textures, sky and ground: one cluster more than there are labels.
    const Labels found = clusters_of(x, static_cast<Index>(clicks.labels.size()) + 1);
    scores_[m].outlines.push_back(outline_score(found, scene.labels, size_.height, size_.width, kTolerance));
    scores_[m].clicks.push_back(click_score(x, scene.labels, clicks));
    if (s == 0)
      pictures_.push_back(titled(paint_labels(found, size_.height, size_.width, objects + 1), methods_[m].name));
  }
}

void SceneTable::print_heading() const {
  say("%ld rendered scenes of %ldx%ld; %s\noutlines: F-score of k-means clusters' outlines, within %ld pixels; "
      "clicks: mean IoU of what is nearest to one click on each thing\n",
      static_cast<long>(o_.scenes), static_cast<long>(size_.height), static_cast<long>(size_.width),
      backbone().describe().c_str(), static_cast<long>(kTolerance));
}

void SceneTable::add_row(const std::string& name, const Scores& scores, std::vector<BarGroup>& groups,
                         Report& report) const {
  const Spread f = spread_of(scores.outlines), iou = spread_of(scores.clicks);
  groups[0].bars.push_back({name, f.mean, f.deviation});
  groups[1].bars.push_back({name, iou.mean, iou.deviation});
  report["methods"].push_back({{"method", name},
                               {"scenes", scores.outlines.size()},
                               {"outline_f", f.mean},
                               {"outline_f_deviation", f.deviation},
                               {"click_iou", iou.mean},
                               {"click_iou_deviation", iou.deviation}});
  if (o_.common.json) return;
  const std::size_t width = std::max(name_width(methods_), methods_[0].name.size() + 7);
  say("%-*s  outlines %.3f +- %.3f  clicks %.3f +- %.3f  scenes %zu\n", static_cast<int>(width), name.c_str(), f.mean,
      f.deviation, iou.mean, iou.deviation, scores.outlines.size());
}

/// Those on the scenes that methods of many passes were asked about.
Scores SceneTable::on_some(const Scores& all) const {
  Scores some;
  for (std::size_t s = 0; s < all.outlines.size(); s += usize(o_.slow_every))
    some.outlines.push_back(all.outlines[s]), some.clicks.push_back(all.clicks[s]);
  return some;
}

std::vector<BarGroup> SceneTable::rows(Report& report) const {
  std::vector<BarGroup> groups = {{"outlines, F-score", {}}, {"clicks, mean IoU", {}}};
  for (const TableRow& row : table_rows(methods_, o_.slow_every))
    add_row(row.name, row.on_some ? on_some(scores_[0]) : scores_[row.method], groups, report);
  return groups;
}

int run_eval_scene(const EvalSceneCommand& o, const Program&) {
  Report report("eval scene", {}, o.common.json);
  SceneTable table(o);
  const std::string folder = output_folder(o.eval.output), chart = folder + "/eval-scene.svg",
                    picture = folder + "/eval-scene.png";
  ProgressBar bar("eval scene", o.common.quiet);
  for (Index s = 0; s < o.scenes; ++s) table.measure(s, bar);
  bar.finish();
  report.stage("methods");
  report_backbone(report, &table.backbone(), table.backbone().describe(), o.backbone, o.common);
  report["scenes"] = o.scenes;
  if (!o.common.json) table.print_heading();
  write_bar_chart(
      chart, "Outlines of rendered scenes", table.rows(report),
      table.backbone().describe() + "; whiskers: standard deviation over " + std::to_string(o.scenes) + " scenes");
  write_png(picture, in_rows(table.pictures(), 3));
  report["outputs"] = {chart, picture};
  if (o.common.prints_text()) say("chart %s, clusters of the first scene %s\n", chart.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_eval_scene(Command& command, Program& program) { add_command(command, program, run_eval_scene); }

}  // namespace fu
