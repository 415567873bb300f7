// featup eval scene: how exactly features draw outlines. Scenes that the project renders have exact labels, so that
// nobody's drawing is the limit.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/parallel.h"
#include "featup/measure/scene.h"
#include "featup/measure/segmentation.h"
#include "tools/cli/featurize.h"
#include "tools/cli/methods.h"
#include "tools/cli/progress.h"
#include "tools/media/chart.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr Index kComponents = 32;  // principal components of the low-resolution features that are compared
constexpr Index kTolerance = 2;    // pixels by which an outline may be off
constexpr int kRounds = 20;        // of k-means

double squared_distance(const real* a, const real* b, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>((a[i] - b[i]) * (a[i] - b[i]));
  return sum;
}

/// The nearest of some centres (rows of n numbers) at every pixel of x (1,H,W,n).
Labels nearest(const Tensor& x, const std::vector<std::vector<real>>& centres) {
  const Index n = x.dim(3), pixels = x.dim(1) * x.dim(2);
  Labels labels(static_cast<std::size_t>(pixels));
  parallel_ranges(pixels, 1024, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      double least = INFINITY;
      for (std::size_t k = 0; k < centres.size(); ++k) {
        const double d = squared_distance(x.data() + p * n, centres[k].data(), n);
        if (d < least) least = d, labels[static_cast<std::size_t>(p)] = static_cast<unsigned char>(k);
      }
    }
  });
  return labels;
}

/// k-means of the pixels, begun at pixels far from each other. source: Gonzalez, "Clustering to minimize the maximum
/// intercluster distance" (1985)
Labels clusters_of(const Tensor& x, Index k) {
  const Index n = x.dim(3), pixels = x.dim(1) * x.dim(2);
  const auto at = [&](Index p) { return std::vector<real>(x.data() + p * n, x.data() + (p + 1) * n); };
  std::vector<std::vector<real>> centres = {at(pixels / 2 + x.dim(2) / 2)};
  std::vector<double> away(static_cast<std::size_t>(pixels), INFINITY);
  while (static_cast<Index>(centres.size()) < k) {
    for (Index p = 0; p < pixels; ++p)
      away[static_cast<std::size_t>(p)] =
          std::min(away[static_cast<std::size_t>(p)], squared_distance(x.data() + p * n, centres.back().data(), n));
    centres.push_back(at(std::max_element(away.begin(), away.end()) - away.begin()));
  }
  Labels labels;
  for (int round = 0; round < kRounds; ++round) {
    labels = nearest(x, centres);
    std::vector<std::vector<double>> sums(centres.size(), std::vector<double>(static_cast<std::size_t>(n)));
    std::vector<double> counts(centres.size());
    for (Index p = 0; p < pixels; ++p) {
      const std::size_t c = labels[static_cast<std::size_t>(p)];
      for (Index i = 0; i < n; ++i) sums[c][static_cast<std::size_t>(i)] += static_cast<double>(x.data()[p * n + i]);
      ++counts[c];
    }
    for (std::size_t c = 0; c < centres.size(); ++c)
      for (std::size_t i = 0; i < sums[c].size() && counts[c] > 0; ++i)
        centres[c][i] = static_cast<real>(sums[c][i] / counts[c]);
  }
  return labels;
}

/// Pixels whose right or lower neighbour has another label.
std::vector<bool> outlines_of(const Labels& labels, Index height, Index width) {
  std::vector<bool> outline(labels.size());
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      const auto p = static_cast<std::size_t>(i * width + j);
      outline[p] = (j + 1 < width && labels[p] != labels[p + 1]) ||
                   (i + 1 < height && labels[p] != labels[p + static_cast<std::size_t>(width)]);
    }
  return outline;
}

/// Share of a's pixels that have one of b's within reach.
double share_near(const std::vector<bool>& a, const std::vector<bool>& b, Index height, Index width, Index reach) {
  double all = 0, near = 0;
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      if (!a[static_cast<std::size_t>(i * width + j)]) continue;
      ++all;
      bool found = false;
      for (Index y = std::max<Index>(0, i - reach); y <= std::min(height - 1, i + reach) && !found; ++y)
        for (Index x = std::max<Index>(0, j - reach); x <= std::min(width - 1, j + reach) && !found; ++x)
          found = b[static_cast<std::size_t>(y * width + x)];
      near += found;
    }
  return all > 0 ? near / all : 0;
}

/// The pixel of a label that is deepest inside it: where somebody would click. -1 if there is none.
Index middle_of(const Labels& labels, Index height, Index width, unsigned char label) {
  // Distance to the nearest other pixel or border, in steps.
  std::vector<Index> depth(labels.size());
  const auto at = [&](Index i, Index j) {
    return i < 0 || j < 0 || i >= height || j >= width ? 0 : depth[static_cast<std::size_t>(i * width + j)];
  };
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j)
      if (labels[static_cast<std::size_t>(i * width + j)] == label)
        depth[static_cast<std::size_t>(i * width + j)] = 1 + std::min(at(i - 1, j), at(i, j - 1));
  for (Index i = height - 1; i >= 0; --i)
    for (Index j = width - 1; j >= 0; --j) {
      Index& d = depth[static_cast<std::size_t>(i * width + j)];
      if (d > 0) d = std::min(d, 1 + std::min(at(i + 1, j), at(i, j + 1)));
    }
  const auto best = std::max_element(depth.begin(), depth.end());
  return *best > 0 ? best - depth.begin() : -1;
}

}  // namespace

int run_eval_scene(const Options& o) {
  Report report("eval scene", o);
  const Options::Eval& e = o.eval;
  const Featurizer featurizer(o);
  require<UsageError>(featurizer.backbone(),
                      "eval scene draws its pictures itself, so it needs a backbone. Give --backbone.");
  const InputSize asked = parse_input_size(o.size);
  const Extent size = asked.height > 0 ? Extent{asked.height, asked.width} : Extent{asked.short_side, asked.short_side};
  require<UsageError>(
      size.height % featurizer.backbone()->patch() == 0 && size.width % featurizer.backbone()->patch() == 0, "--size ",
      o.size, ": the backbone's patches are ", featurizer.backbone()->patch(), " pixels wide; give multiples of that.");
  const std::vector<Method> methods = methods_with(o.methods, e.only);
  std::string stem;
  std::vector<std::unique_ptr<Upsampler>> upsamplers;
  for (const Method& m : methods) upsamplers.push_back(open_method(m.name, featurizer.upsampler_options(), stem));
  const std::string folder = output_folder(o), chart = folder + "/eval-scene.svg", picture = folder + "/eval-scene.png";
  ProgressBar bar("eval scene", o.quiet);

  std::vector<std::vector<double>> outlines(methods.size()), clicks(methods.size());
  std::vector<Image> pictures;
  for (Index s = 0; s < e.scenes; ++s) {
    stem = "scene" + std::to_string(s);
    const RenderedScene scene = render_scene(o.seed + static_cast<std::uint64_t>(s), size.height, size.width);
    const Guide guide = [&](Index h, Index w) {
      return normalize(h > 0 ? resize_antialiased(scene.image, h, w) : scene.image);
    };
    const Tensor features = featurizer.backbone()->features(guide(0, 0));
    const Index objects = 1 + *std::max_element(scene.labels.begin(), scene.labels.end());
    std::vector<Index> clicked;
    std::vector<Index> shown;  // labels that can be seen
    for (Index k = 0; k < objects; ++k) {
      const Index p = middle_of(scene.labels, size.height, size.width, static_cast<unsigned char>(k));
      if (p >= 0) clicked.push_back(p), shown.push_back(k);
    }
    if (s == 0) pictures = {scene.image, paint_labels(scene.labels, size.height, size.width, objects)};
    for (std::size_t m = 0; m < methods.size(); ++m) {
      bar.update((static_cast<double>(s) + static_cast<double>(m) / static_cast<double>(methods.size())) /
                     static_cast<double>(e.scenes),
                 methods[m].name);
      if (methods[m].cost == Cost::many_passes && s % e.slow_every != 0) continue;
      const Pca pca = fit_pca(upsamplers[m]->output_space(features), std::min(kComponents, features.dim(3)));
      const ChannelMap map{pca.components.permute({1, 0}), {}};
      const Tensor x = (*upsamplers[m])(features, guide, size, &map);
      const Labels found = clusters_of(x, static_cast<Index>(shown.size()) + 1);  // the background is sky and ground
      const std::vector<bool> drawn = outlines_of(found, size.height, size.width),
                              exact = outlines_of(scene.labels, size.height, size.width);
      const double precision = share_near(drawn, exact, size.height, size.width, kTolerance),
                   recall = share_near(exact, drawn, size.height, size.width, kTolerance);
      outlines[m].push_back(precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0);

      std::vector<std::vector<real>> prototypes;
      for (Index p : clicked) prototypes.emplace_back(x.data() + p * x.dim(3), x.data() + (p + 1) * x.dim(3));
      const Labels named = nearest(x, prototypes);
      Confusion confusion(static_cast<Index>(shown.size()));
      for (std::size_t p = 0; p < named.size(); ++p)
        confusion.add(std::find(shown.begin(), shown.end(), static_cast<Index>(scene.labels[p])) - shown.begin(),
                      named[p]);
      clicks[m].push_back(confusion.mean_iou());
      if (s == 0) pictures.push_back(paint_labels(found, size.height, size.width, objects + 1));
    }
  }
  bar.finish();
  report.stage("methods");

  report["backbone"] = featurizer.describe();
  report["scenes"] = e.scenes;
  std::size_t width = 8;
  for (const Method& m : methods) width = std::max(width, m.name.size());
  width = std::max(width, methods[0].name.size() + 7);
  if (!o.json)
    std::printf(
        "%ld rendered scenes of %ldx%ld; %s\noutlines: F-score of k-means clusters' outlines, within %ld pixels; "
        "clicks: mean IoU of what is "
        "nearest to one click on each thing\n",
        static_cast<long>(e.scenes), static_cast<long>(size.height), static_cast<long>(size.width),
        featurizer.describe().c_str(), static_cast<long>(kTolerance));
  std::vector<BarGroup> groups = {{"outlines, F-score", {}}, {"clicks, mean IoU", {}}};
  const auto add_row = [&](const std::string& name, const std::vector<double>& by_outlines,
                           const std::vector<double>& by_clicks) {
    const Spread f = spread_of(by_outlines), iou = spread_of(by_clicks);
    groups[0].bars.push_back({name, f.mean, f.deviation});
    groups[1].bars.push_back({name, iou.mean, iou.deviation});
    report["methods"].push_back({{"method", name},
                                 {"scenes", by_outlines.size()},
                                 {"outline_f", f.mean},
                                 {"outline_f_deviation", f.deviation},
                                 {"click_iou", iou.mean},
                                 {"click_iou_deviation", iou.deviation}});
    if (!o.json)
      std::printf("%-*s  outlines %.3f +- %.3f  clicks %.3f +- %.3f  scenes %zu\n", static_cast<int>(width),
                  name.c_str(), f.mean, f.deviation, iou.mean, iou.deviation, by_outlines.size());
  };
  // The first method once more on the scenes that those who look often were asked about, in front of them.
  const auto some = [&](const std::vector<double>& all) {
    std::vector<double> there;
    for (std::size_t s = 0; s < all.size(); s += static_cast<std::size_t>(e.slow_every)) there.push_back(all[s]);
    return there;
  };
  for (const Cost cost : {Cost::one_pass, Cost::many_passes}) {
    bool first = cost == Cost::many_passes && e.slow_every > 1;
    for (std::size_t m = 0; m < methods.size(); ++m) {
      if (methods[m].cost != cost) continue;
      if (first) add_row(methods[0].name + ", there", some(outlines[0]), some(clicks[0]));
      first = false;
      add_row(methods[m].name, outlines[m], clicks[m]);
    }
  }
  write_bar_chart(
      chart, "Outlines of rendered scenes", groups,
      featurizer.describe() + "; whiskers: standard deviation over " + std::to_string(e.scenes) + " scenes");
  write_png(picture, in_rows(pictures, 3));
  report["outputs"] = {chart, picture};
  if (!o.quiet && !o.json) std::printf("chart %s, clusters of the first scene %s\n", chart.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace fu
