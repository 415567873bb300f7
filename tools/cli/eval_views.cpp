// featup eval: quality tables, every method beside every other.
#include <algorithm>
#include <cstdio>

#include "featup/measure/segmentation.h"
#include "featup/measure/views.h"
#include "tools/cli/featurize.h"
#include "tools/cli/methods.h"
#include "tools/cli/progress.h"
#include "tools/media/chart.h"

namespace fu {

/// Explained variance of unseen jitters: down(t(F)) against f(t(x)), plain pooling over each cell, for the same views
/// for every method.
int run_eval_views(const Options& o) {
  Report report("eval views", o);
  const Featurizer featurizer(o);
  require<UsageError>(
      featurizer.backbone(),
      "eval views looks at each photo many times, so it needs a backbone; --features is one look. Give --backbone.");
  std::vector<std::string> methods;
  std::vector<std::unique_ptr<Upsampler>> upsamplers;
  const std::vector<std::string> stems = output_stems(o.inputs);
  std::string stem;
  for (const Method& m : methods_with(o.methods, o.eval.only)) {
    methods.push_back(m.name);
    upsamplers.push_back(open_method(m.name, featurizer.upsampler_options(), stem));
  }
  const std::string chart = output_folder(o) + "/eval-views.svg";
  report["backbone"] = featurizer.describe();
  report["jitters"] = o.jitters;
  report.stage("load");

  std::vector<std::vector<double>> values(methods.size());  // by method, then by image
  ProgressBar bar("eval views", o.quiet);
  for (std::size_t i = 0; i < o.inputs.size(); ++i) {
    const auto at = [&](double part, const std::string& what) {
      bar.update((static_cast<double>(i) + part) / static_cast<double>(o.inputs.size()), what);
    };
    at(0, "backbone");
    stem = stems[i];
    const Scene scene = featurizer.run(o.inputs[i], report, {});
    const Guide guide = [&](Index h, Index w) {
      return normalize(
          scene.view(h > 0 ? h : scene.in_size.height, w > 0 ? w : scene.in_size.width, featurizer.cropped()));
    };
    const Tensor image = guide(0, 0);
    require<UsageError>(std::min(image.dim(1), image.dim(2)) > 20, o.inputs[i],
                        ": jitters pad by 20 pixels, so the photo must have more at the backbone.");
    const HeldOutViews views(image, featurizer.upsampler_options().backbone, o.jitters, o.seed);
    report.stage("views");
    nlohmann::ordered_json one = {{"input", o.inputs[i]}};
    for (std::size_t m = 0; m < methods.size(); ++m) {
      at(0.1 + 0.9 * static_cast<double>(m) / static_cast<double>(methods.size()), methods[m]);
      const Tensor map = (*upsamplers[m])(scene.features, guide, scene.in_size);
      values[m].push_back(
          views.explained_by(map, [&](const Tensor& x) { return upsamplers[m]->output_space(x); }).value());
      one["explained_variance"][methods[m]] = values[m].back();
      report.stage("methods");
    }
    report["images"].push_back(one);
  }
  bar.finish();
  BarGroup group{"explained variance", {}};
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const Spread spread = spread_of(values[m]);
    report["explained_variance"][methods[m]] = spread.mean;
    report["explained_variance_deviation"][methods[m]] = spread.deviation;
    group.bars.push_back({methods[m], spread.mean, spread.deviation});
  }
  write_bar_chart(
      chart, "Explained variance of unseen views", {group},
      featurizer.describe() + "; whiskers: standard deviation over " + std::to_string(o.inputs.size()) + " photos");
  report["outputs"] = {chart};
  if (!o.json) {
    std::printf("explained variance of %ld unseen jitters (pad 20, zoom to 2, mirrored); %s\n",
                static_cast<long>(o.jitters), featurizer.describe().c_str());
    std::size_t width = 8;
    for (const std::string& name : methods) width = std::max(width, name.size());
    std::printf("%-*s", static_cast<int>(width), "method");
    for (const std::string& name : stems) std::printf(" %12.12s", name.c_str());
    std::printf("%s\n", o.inputs.size() > 1 ? "         mean   +-" : "");
    for (std::size_t m = 0; m < methods.size(); ++m) {
      std::printf("%-*s", static_cast<int>(width), methods[m].c_str());
      for (double v : values[m]) std::printf(" %12.3f", v);
      if (o.inputs.size() > 1) std::printf(" %12.3f %.3f", group.bars[m].value, group.bars[m].spread);
      std::printf("\n");
    }
  }
  report.print();
  return 0;
}

}  // namespace fu
