// featup eval: quality tables, every method beside every other.
#include <algorithm>
#include <cstdio>

#include "featup/views.h"
#include "tools/featurize.h"
#include "tools/progress.h"

namespace fu {

/// Explained variance of unseen jitters: down(t(F)) against f(t(x)), plain pooling over each cell, for the same views for every method.
int run_eval_views(const Options& o) {
  Report report("eval views", o);
  const Featurizer featurizer(o);
  require<UsageError>(featurizer.backbone(),
                      "eval views looks at each photo many times, so it needs a backbone; --features is one look. Give --backbone.");
  std::vector<std::string> methods = {"nearest", "bilinear", "bicubic", "jbu-classic", "builtin", "views:80", "implicit"};
  for (const std::string& name : o.methods)
    if (std::find(methods.begin(), methods.end(), name) == methods.end()) methods.push_back(name);
  std::vector<std::unique_ptr<Upsampler>> upsamplers;
  for (const std::string& name : methods) upsamplers.push_back(open_upsampler(name, featurizer.upsampler_options()));
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
    const Scene scene = featurizer.run(o.inputs[i], report, {});
    const Guide guide = [&](Index h, Index w) {
      return normalize(scene.view(h > 0 ? h : scene.in_size.height, w > 0 ? w : scene.in_size.width, featurizer.cropped()));
    };
    const Tensor image = guide(0, 0);
    require<UsageError>(std::min(image.dim(1), image.dim(2)) > 20, o.inputs[i],
                        ": jitters pad by 20 pixels, so the photo must have more at the backbone.");
    const HeldOutViews views(image, featurizer.upsampler_options().backbone, o.jitters, o.seed);
    report.stage("views");
    nlohmann::ordered_json one = {{"input", o.inputs[i]}};
    for (std::size_t m = 0; m < methods.size(); ++m) {
      at(0.1 + 0.9 * static_cast<double>(m) / static_cast<double>(methods.size()), methods[m]);
      const Tensor map = (*upsamplers[m])(upsamplers[m]->prepare(scene.features), guide, scene.in_size);
      values[m].push_back(views.explained_by(map, [&](const Tensor& x) { return upsamplers[m]->prepare(x); }).value());
      one["explained_variance"][methods[m]] = values[m].back();
      report.stage("methods");
    }
    report["images"].push_back(one);
  }
  bar.finish();
  for (std::size_t m = 0; m < methods.size(); ++m) {
    double mean = 0;
    for (double v : values[m]) mean += v / static_cast<double>(values[m].size());
    report["explained_variance"][methods[m]] = mean;
  }
  if (!o.json) {
    std::printf("explained variance of %ld unseen jitters (pad 20, zoom to 2, mirrored); %s\n", static_cast<long>(o.jitters),
                featurizer.describe().c_str());
    std::size_t width = 8;
    for (const std::string& name : methods) width = std::max(width, name.size());
    std::printf("%-*s", static_cast<int>(width), "method");
    for (const std::string& stem : output_stems(o.inputs)) std::printf(" %12.12s", stem.c_str());
    std::printf("%s\n", o.inputs.size() > 1 ? "         mean" : "");
    for (std::size_t m = 0; m < methods.size(); ++m) {
      std::printf("%-*s", static_cast<int>(width), methods[m].c_str());
      for (double v : values[m]) std::printf(" %12.3f", v);
      if (o.inputs.size() > 1) std::printf(" %12.3f", report["explained_variance"][methods[m]].get<double>());
      std::printf("\n");
    }
  }
  report.print();
  return 0;
}

}  // namespace fu
