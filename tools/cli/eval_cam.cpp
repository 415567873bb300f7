// featup eval cam: class activation maps of a classifier, upsampled by each method. A good map keeps of the photo what
// the classifier looks at: with the rest masked out, the class stays as probable.
#include <algorithm>
#include <cmath>

#include "featup/classes/classifier.h"
#include "featup/measure/activation_scores.h"
#include "tools/cli/inputs.h"
#include "tools/cli/methods.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/media/chart.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

struct EvalCamCommand {
  std::vector<std::string> images;
  FeatureArgs source;
  Index slow_every = 8;
  EvalArgs eval;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("image", images, "photos, or folders of them").required();
    source.backbone.add(app);
    source.size = "224x224";
    FeatureArgs::add_size(app, source.size);
    app.add_option("--slow-every", slow_every, "each N-th photo for methods that need many passes of the backbone")
        .between(1, 1000000)
        .show_default();
    eval.add(app);
    common.add(app);
    app.footer(
        "The class is the one that the classifier finds most likely in the whole photo. Average drop: less is better; "
        "average increase: more is better.\n"
        "Example: featup eval cam photos --backbone deit_tiny_patch16_224.safetensors");
  }
};

/// What one method did on the photos that it saw.
struct CamScore {
  std::vector<MaskedProbability> photos;
  double seconds = 0;

  double per_photo() const { return photos.empty() ? 0 : seconds / static_cast<double>(photos.size()); }
};

/// The probability of a class by the logits (1,K).
double probability_of(const Tensor& logits, Index number) {
  const real* const v = logits.data();
  const auto most = static_cast<double>(*std::max_element(v, v + logits.size()));
  double sum = 0;
  for (Index i = 0; i < logits.size(); ++i) sum += std::exp(static_cast<double>(v[i]) - most);
  return std::exp(static_cast<double>(v[number]) - most) / sum;
}

class CamTable {
 public:
  explicit CamTable(const EvalCamCommand& command)
      : o_(command),
        classifier_(o_.source.backbone.name, o_.source.backbone.options()),
        featurizer_(o_.source, classifier_.backbone()),
        methods_(open_methods(o_.eval, {false, feature_function(featurizer_.backbone()), o_.common.seed}, stem_)),
        scores_(methods_.size()),
        first_on_some_() {}
  CamTable(const CamTable&) = delete;
  CamTable& operator=(const CamTable&) = delete;

  const Featurizer& featurizer() const { return featurizer_; }
  const std::string& classifier() const { return classifier_.classes().source; }
  void measure(std::size_t i, const std::string& path, const std::string& stem, Report& report, ProgressBar& bar,
               std::size_t photos);
  std::vector<BarGroup> rows(Report& report) const;
  /// Of the first photo: itself, and every method's mask.
  const std::vector<Image>& pictures() const { return pictures_; }

 private:
  void add_row(const std::string& name, const CamScore& score, std::vector<BarGroup>& groups, Report& report) const;

  const EvalCamCommand& o_;
  Classifier classifier_;
  Featurizer featurizer_;
  std::string stem_;  // of the photo at hand
  std::vector<Method> methods_;
  std::vector<CamScore> scores_;
  CamScore first_on_some_;  // of the first method, on the photos for slow ones
  std::vector<Image> pictures_;
};

void CamTable::measure(std::size_t i, const std::string& path, const std::string& stem, Report& report,
                       ProgressBar& bar, std::size_t photos) {
  stem_ = stem;
  const PhotoFeatures photo = featurizer_.run(path, report, {});
  const Guide guide = photo.guide();
  const Tensor image = guide(0, 0), logits = classifier_.logits(image);
  const Index number = std::max_element(logits.data(), logits.data() + logits.size()) - logits.data();
  const Classes one = chosen_classes(classifier_.classes(), {number});
  const double whole = probability_of(logits, number);
  report["images"].push_back({{"input", path}, {"class", one.names[0]}, {"probability", whole}});
  if (i == 0) pictures_ = {photo.views->at(photo.in_size.height, photo.in_size.width)};
  for (std::size_t m = 0; m < methods_.size(); ++m) {
    const bool for_slow = i % usize(o_.slow_every) == 0;
    if (methods_[m].cost() == Cost::many_passes && !for_slow) continue;
    const double part = static_cast<double>(m) / static_cast<double>(methods_.size());
    bar.update((static_cast<double>(i) + part) / static_cast<double>(photos), methods_[m].name);
    const double begin = now_seconds();
    const Tensor mask = activation_mask((*methods_[m].upsampler)(photo.features, guide, photo.in_size, &one.map));
    scores_[m].seconds += now_seconds() - begin;
    const double masked = probability_of(classifier_.logits(masked_image(image, mask)), number);
    scores_[m].photos.push_back({whole, masked});
    if (m == 0 && for_slow) first_on_some_.photos.push_back({whole, masked});
    report["images"].back()["masked"][methods_[m].name] = masked;
    if (i == 0) pictures_.push_back(heat_picture(mask.reshape({mask.dim(1), mask.dim(2)})));
  }
}

void CamTable::add_row(const std::string& name, const CamScore& score, std::vector<BarGroup>& groups,
                       Report& report) const {
  const double drop = average_drop(score.photos), increase = average_increase(score.photos);
  groups[0].bars.push_back({name, drop, 0});
  groups[1].bars.push_back({name, increase, 0});
  report["methods"].push_back({{"method", name},
                               {"images", score.photos.size()},
                               {"average_drop", drop},
                               {"average_increase", increase},
                               {"seconds", score.per_photo()}});
  if (o_.common.json) return;
  const std::size_t width = std::max(name_width(methods_), methods_[0].name.size() + 7);
  say("%-*s  average drop %5.2f%%  average increase %5.2f%%  photos %zu  %.3f s\n", static_cast<int>(width),
      name.c_str(), drop, increase, score.photos.size(), score.per_photo());
}

std::vector<BarGroup> CamTable::rows(Report& report) const {
  std::vector<BarGroup> groups = {{"average drop, % (less is better)", {}},
                                  {"average increase, % (more is better)", {}}};
  for (const TableRow& row : table_rows(methods_, o_.slow_every))
    add_row(row.name, row.on_some ? first_on_some_ : scores_[row.method], groups, report);
  return groups;
}

int run_eval_cam(const EvalCamCommand& o, const Program&) {
  const ChosenInputs chosen = ShardArgs().choose(o.images);
  Report report("eval cam", chosen.paths, o.common.json);
  CamTable table(o);
  const std::string folder = output_folder(o.eval.output), chart = folder + "/eval-cam.svg",
                    picture = folder + "/eval-cam.png";
  report_left_out(report, chosen.left_out, o.common);
  report_backbone(report, table.featurizer().backbone(), table.featurizer().describe(), o.source.backbone, o.common);
  report["classifier"] = table.classifier();
  report.stage("load");
  ProgressBar bar("eval cam", o.common.quiet);
  for (std::size_t i = 0; i < chosen.paths.size(); ++i)
    table.measure(i, chosen.paths[i], chosen.names[i], report, bar, chosen.paths.size());
  bar.finish();
  report.stage("methods");
  if (!o.common.json) say("class activation maps of %zu photos; %s\n", chosen.paths.size(), table.classifier().c_str());
  const std::vector<BarGroup> groups = table.rows(report);
  write_bar_chart(chart, "Photos masked by class activation maps", groups,
                  table.featurizer().describe() + "; " + std::to_string(chosen.paths.size()) + " photos");
  write_png(picture, in_rows(table.pictures(), 4));
  report["outputs"] = {chart, picture};
  if (o.common.prints_text()) say("chart %s, masks of the first photo %s\n", chart.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_eval_cam(Command& command, Program& program) { add_command(command, program, run_eval_cam); }

}  // namespace fu
