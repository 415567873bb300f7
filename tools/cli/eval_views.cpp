// featup eval views: explained variance of unseen views. Each method's map, seen through a jitter and averaged over the
// cells of the backbone's grid, is compared with the backbone's features of the jittered photo; all methods are given
// the same views.

#include "featup/measure/segmentation.h"
#include "tools/cli/methods.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/cli/view_scores.h"
#include "tools/media/chart.h"

namespace fu {

namespace {

struct EvalViewsCommand {
  std::vector<std::string> images;
  FeatureArgs source;
  ProjectionArgs projection;  // accepted, without effect
  Index jitters = 32;
  EvalArgs eval;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("image", images, "photos").required();
    source.add(app);
    projection.add(app);
    app.add_option("--jitters", jitters, "unseen views of each photo").between(1, 10000).show_default();
    eval.add(app);
    common.add(app);
    app.footer(
        "--project and --pca have no effect here: all channels are compared.\n"
        "Example: featup eval views *.jpg --size 224x224 --backbone deit_tiny_patch16_224.safetensors --upsampler "
        "stack.ckpt");
  }
};

using Values = std::vector<std::vector<double>>;  // explained variance by method, then by photo

/// One photo's row of the table.
void measure(const EvalViewsCommand& o, const std::string& input, const PhotoFeatures& photo,
             const FeatureFunction& backbone, const std::vector<Method>& methods, Values& values, Report& report,
             const std::function<void(double, const std::string&)>& progress) {
  const Guide guide = photo.guide();
  const HeldOutViews views = unseen_views(input, guide(0, 0), backbone, o.jitters, o.common.seed);
  report.stage("views");
  nlohmann::ordered_json one = {{"input", input}};
  for (std::size_t m = 0; m < methods.size(); ++m) {
    progress(0.1 + 0.9 * static_cast<double>(m) / static_cast<double>(methods.size()), methods[m].name);
    const Upsampler& upsampler = *methods[m].upsampler;
    values[m].push_back(explained_variance(views, upsampler, upsampler(photo.features, guide, photo.in_size)));
    one["explained_variance"][methods[m].name] = values[m].back();
    report.stage("methods");
  }
  report["images"].push_back(one);
}

void print_table(const EvalViewsCommand& o, const std::vector<std::string>& stems, const std::vector<Method>& methods,
                 const Values& values, const BarGroup& means, const std::string& backbone) {
  say("explained variance of %ld unseen jitters (pad %ld, zoom to 2, mirrored); %s\n", static_cast<long>(o.jitters),
      static_cast<long>(kViewPad), backbone.c_str());
  const int width = static_cast<int>(name_width(methods));
  say("%-*s", width, "method");
  for (const std::string& name : stems) say(" %12.12s", name.c_str());
  say("%s\n", stems.size() > 1 ? "         mean   +-" : "");
  for (std::size_t m = 0; m < methods.size(); ++m) {
    say("%-*s", width, methods[m].name.c_str());
    for (double v : values[m]) say(" %12.3f", v);
    if (stems.size() > 1) say(" %12.3f %.3f", means.bars[m].value, means.bars[m].spread);
    say("\n");
  }
}

int run_eval_views(const EvalViewsCommand& o, const Program&) {
  Report report("eval views", o.images, o.common.json);
  const Featurizer featurizer(o.source);
  require<UsageError>(
      featurizer.backbone(),
      "eval views looks at each photo many times, so it needs a backbone; --features is one look. Give --backbone.");
  const FeatureFunction backbone = feature_function(featurizer.backbone());
  const std::vector<std::string> stems = output_stems(o.images);
  std::string stem;
  const std::vector<Method> methods = open_methods(o.eval, {false, backbone, o.common.seed}, stem);
  const std::string chart = output_folder(o.eval.output) + "/eval-views.svg";
  report_backbone(report, featurizer.backbone(), featurizer.describe(), o.source.backbone, o.common);
  report["jitters"] = o.jitters;
  report.stage("load");

  Values values(methods.size());
  ProgressBar bar("eval views", o.common.quiet);
  for (std::size_t i = 0; i < o.images.size(); ++i) {
    const auto progress = [&](double part, const std::string& what) {
      bar.update((static_cast<double>(i) + part) / static_cast<double>(o.images.size()), what);
    };
    progress(0, "backbone");
    stem = stems[i];
    measure(o, o.images[i], featurizer.run(o.images[i], report, {}), backbone, methods, values, report, progress);
  }
  bar.finish();
  BarGroup means{"explained variance", {}};
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const Spread spread = spread_of(values[m]);
    report["explained_variance"][methods[m].name] = spread.mean;
    report["explained_variance_deviation"][methods[m].name] = spread.deviation;
    means.bars.push_back({methods[m].name, spread.mean, spread.deviation});
  }
  write_bar_chart(
      chart, "Explained variance of unseen views", {means},
      featurizer.describe() + "; whiskers: standard deviation over " + std::to_string(o.images.size()) + " photos");
  report["outputs"] = {chart};
  if (!o.common.json) print_table(o, stems, methods, values, means, featurizer.describe());
  report.print();
  return 0;
}

}  // namespace

void add_eval_views(Command& command, Program& program) { add_command(command, program, run_eval_views); }

}  // namespace fu
