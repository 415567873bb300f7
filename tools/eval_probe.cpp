// featup eval probe: what upsampling is worth for naming pixels. A linear layer is trained on frozen low-resolution features of labelled photos; its
// class maps of other photos, brought to full resolution by each method, are compared with the labels there.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

#include "featup/linear_probe.h"
#include "tools/chart.h"
#include "tools/featurize.h"
#include "tools/image_folder.h"
#include "tools/image_io.h"
#include "tools/methods.h"
#include "tools/pictures.h"
#include "tools/progress.h"
#include "tools/segmentation.h"

namespace fu {

namespace {

constexpr Index kReach = 4;  // pixels from a boundary that count as near it

struct LabelledPhoto {
  std::string photo, labels, stem;
};

/// Photos of a folder with the labels of the same name in another.
std::vector<LabelledPhoto> pairs_of(const std::string& photos, const std::string& labels) {
  std::map<std::string, std::string> named;
  for (const std::string& path : find_pictures(labels)) named[std::filesystem::path(path).stem().string()] = path;
  std::vector<LabelledPhoto> pairs;
  for (const std::string& path : find_pictures(photos)) {
    const std::string stem = std::filesystem::path(path).stem().string();
    const auto it = named.find(stem);
    require<FileError>(it != named.end(), labels, ": holds no labels for ", path, "; they must have the photo's name.");
    pairs.push_back({path, it->second, stem});
  }
  require<FileError>(!pairs.empty(), photos, ": holds no photos.");
  return pairs;
}

/// Photo and labels, cut around the middle to whole patches; never scaled.
struct Cut {
  Image photo;
  Labels labels;
  Cut(const LabelledPhoto& pair, Index patch) {
    const Image whole = read_image(pair.photo);
    const Index h = whole.height / patch * patch, w = whole.width / patch * patch, top = (whole.height - h) / 2, left = (whole.width - w) / 2;
    require<FileError>(h > 0 && w > 0, pair.photo, ": is smaller than one patch of the backbone.");
    photo = crop(whole, top, left, h, w);
    const Labels all = read_labels(pair.labels, whole.height, whole.width);
    for (Index i = 0; i < h; ++i) {
      const auto row = all.begin() + static_cast<std::ptrdiff_t>((top + i) * whole.width + left);
      labels.insert(labels.end(), row, row + static_cast<std::ptrdiff_t>(w));
    }
  }
};

/// What one method did, probe by probe.
struct Score {
  std::vector<Confusion> all, near;    // by seed
  std::vector<double> image_accuracy;  // of the first seed
  double seconds = 0;
  Index images = 0;
};

double percent(double share) { return 100 * share; }

Spread percents(const std::vector<Confusion>& of, double (Confusion::*measure)() const) {
  std::vector<double> values;
  for (const Confusion& c : of) values.push_back(percent((c.*measure)()));
  return spread_of(values);
}

}  // namespace

int run_eval_probe(const Options& o) {
  Report report("eval probe", o);
  const Options::Eval& e = o.eval;
  const std::vector<LabelledPhoto> train = pairs_of(e.images, e.labels), all = pairs_of(e.val_images, e.val_labels);
  const std::unique_ptr<Backbone> backbone = open_backbone(o.backbone, o.feature == "key" ? VitFeature::key : VitFeature::token);
  UpsamplerOptions upsampler_options;
  upsampler_options.seed = o.seed;
  upsampler_options.backbone = [&](const Tensor& image) { return backbone->features(image); };
  std::string stem;
  const std::vector<Method> methods = methods_with(o.methods, o.eval.only);
  std::vector<std::unique_ptr<Upsampler>> upsamplers;
  for (const Method& m : methods) upsamplers.push_back(open_method(m.name, upsampler_options, stem));
  const std::string folder = output_folder(o);
  ProgressBar bar("eval probe", o.quiet);

  std::vector<LabelledFeatures> labelled;
  for (std::size_t i = 0; i < train.size(); ++i) {
    bar.update(0.3 * static_cast<double>(i) / static_cast<double>(train.size()), "features of labelled photos");
    Cut cut(train[i], backbone->patch());
    labelled.push_back({backbone->features(normalize(cut.photo)), cut.photo.height, cut.photo.width, std::move(cut.labels)});
  }
  report.stage("features");
  std::vector<ChannelMap> probes;
  for (Index s = 0; s < e.seeds; ++s) {
    ProbeOptions probe;
    probe.classes = e.classes, probe.seed = o.seed + static_cast<std::uint64_t>(s);
    probes.push_back(train_probe(
        labelled, probe, [&](double part) { bar.update(0.3 + 0.2 * (static_cast<double>(s) + part) / static_cast<double>(e.seeds), "probes"); }));
  }
  labelled.clear();
  const ChannelMap probe = joined(probes);
  report.stage("probes");

  // All methods name the pixels of a photo before the next one is read. Those that look often do so for some photos only, and are compared with the
  // first method's result on the same ones.
  const Tensor layers = probe.matrix.permute({1, 0});
  const auto name_cells = [&](const Tensor& x) { return linear(x, layers, probe.offset); };
  const Confusion none(e.classes);
  const std::vector<Confusion> empty(static_cast<std::size_t>(e.seeds), none);
  std::vector<Score> scores(methods.size(), Score{empty, empty, {}, 0, 0});
  Score first_on_some{empty, empty, {}, 0, 0};
  std::vector<Image> pictures;
  for (std::size_t i = 0; i < all.size(); i += static_cast<std::size_t>(e.every)) {
    stem = all[i].stem;
    const Cut cut(all[i], backbone->patch());
    const Extent size{cut.photo.height, cut.photo.width};
    const Guide guide = [&](Index h, Index w) {
      return normalize(h > 0 && (h != size.height || w != size.width) ? resize_antialiased(cut.photo, h, w) : cut.photo);
    };
    const Tensor features = backbone->features(guide(0, 0));
    const std::vector<bool> near = near_boundaries(cut.labels, size.height, size.width, e.classes, kReach);
    const bool some = i / static_cast<std::size_t>(e.every) % static_cast<std::size_t>(e.slow_every) == 0;
    if (i == 0) pictures = {cut.photo, paint_labels(cut.labels, size.height, size.width, e.classes)};
    for (std::size_t m = 0; m < methods.size(); ++m) {
      if (methods[m].cost == Cost::many_passes && !some) continue;
      bar.update(
          0.5 + 0.5 * (static_cast<double>(i) + static_cast<double>(m) / static_cast<double>(methods.size())) / static_cast<double>(all.size()),
          methods[m].name);
      const double begin = now_seconds();
      // Class maps are upsampled as they are, offsets and all, so that kernels whose sum is not 1 change none of them. Methods that look at the photo
      // often, and those who bring maps of their own, name what they make of it: means of many looks keep constants.
      const Upsampler& upsampler = *upsamplers[m];
      const Tensor prepared = upsampler.prepare(features);
      const bool from_classes = methods[m].cost == Cost::one_pass;
      const Tensor logits = from_classes ? upsampler(name_cells(prepared), guide, size) : upsampler(prepared, guide, size, &probe);
      Score& score = scores[m];
      score.seconds += now_seconds() - begin;
      ++score.images;
      for (Index s = 0; s < e.seeds; ++s) {
        const Labels named = largest_of(logits, s * e.classes, e.classes);
        Confusion here = none, here_near = none;
        for (std::size_t p = 0; p < named.size(); ++p) {
          if (cut.labels[p] >= e.classes) continue;
          here.add(cut.labels[p], named[p]);
          if (near[p]) here_near.add(cut.labels[p], named[p]);
        }
        const auto seed = static_cast<std::size_t>(s);
        score.all[seed].add(here), score.near[seed].add(here_near);
        if (m == 0 && some) first_on_some.all[seed].add(here), first_on_some.near[seed].add(here_near);
        if (s == 0) score.image_accuracy.push_back(percent(here.accuracy()));
        if (s == 0 && i == 0) pictures.push_back(paint_labels(named, size.height, size.width, e.classes));
      }
      if (m == 0 && some) ++first_on_some.images;
    }
  }
  bar.finish();
  report.stage("methods");

  report["backbone"] = backbone->describe();
  report["images"] = {{"train", train.size()}, {"val", scores[0].images}};
  report["seeds"] = e.seeds;
  const std::string chart = folder + "/eval-probe.svg", picture = folder + "/eval-probe.png";
  std::vector<BarGroup> groups = {{"mean IoU, %", {}}, {"accuracy, %", {}}, {"accuracy near outlines, %", {}}};
  if (!o.json) {
    std::printf("linear probe: %zu photos to learn from, %ld to name, %ld seeds; %s\n", train.size(), static_cast<long>(scores[0].images),
                static_cast<long>(e.seeds), backbone->describe().c_str());
    std::printf("mean (+- standard deviation over seeds); near: within %ld pixels of an outline; last: its deviation over photos, seconds a photo\n",
                static_cast<long>(kReach));
  }
  std::size_t width = 8;
  for (const Method& m : methods) width = std::max(width, m.name.size());
  const auto row = [&](const std::string& name, const Score& score) {
    const Spread iou = percents(score.all, &Confusion::mean_iou), accuracy = percents(score.all, &Confusion::accuracy),
                 near = percents(score.near, &Confusion::accuracy), images = spread_of(score.image_accuracy);
    const double seconds = score.images > 0 ? score.seconds / static_cast<double>(score.images) : 0;
    std::vector<double> per_class;
    for (Index c = 0; c < e.classes; ++c) {
      std::vector<double> of_seeds;
      for (const Confusion& one : score.all) of_seeds.push_back(percent(one.iou(c)));
      per_class.push_back(spread_of(of_seeds).mean);
    }
    if (!o.json)
      std::printf("%-*s  mIoU %5.2f +- %.2f  accuracy %5.2f +- %.2f  near %5.2f +- %.2f  photos %ld +- %.2f  %.2f s\n", static_cast<int>(width),
                  name.c_str(), iou.mean, iou.deviation, accuracy.mean, accuracy.deviation, near.mean, near.deviation,
                  static_cast<long>(score.images), images.deviation, seconds);
    const std::size_t bars = groups[0].bars.size();
    if (bars < 24) {
      groups[0].bars.push_back({name, iou.mean, iou.deviation});
      groups[1].bars.push_back({name, accuracy.mean, accuracy.deviation});
      groups[2].bars.push_back({name, near.mean, near.deviation});
    }
    nlohmann::ordered_json one = {{"method", name},
                                  {"images", score.images},
                                  {"mean_iou", iou.mean},
                                  {"mean_iou_deviation", iou.deviation},
                                  {"accuracy", accuracy.mean},
                                  {"accuracy_deviation", accuracy.deviation},
                                  {"accuracy_near", near.mean},
                                  {"accuracy_near_deviation", near.deviation},
                                  {"accuracy_deviation_over_images", images.deviation},
                                  {"seconds", seconds}};
    for (double v : per_class) one["iou"].push_back(std::isfinite(v) ? nlohmann::ordered_json(v) : nlohmann::ordered_json());
    report["methods"].push_back(one);
    return per_class;
  };
  std::vector<std::vector<double>> classes;
  std::vector<std::string> names;
  for (const Cost cost : {Cost::one_pass, Cost::made_elsewhere, Cost::many_passes}) {
    bool first = true;
    for (std::size_t m = 0; m < methods.size(); ++m) {
      if (methods[m].cost != cost) continue;
      if (first && cost == Cost::many_passes && e.slow_every > 1) {
        names.push_back(methods[0].name + ", there");
        classes.push_back(row(names.back(), first_on_some));
      }
      first = false;
      names.push_back(methods[m].name);
      classes.push_back(row(names.back(), scores[m]));
    }
  }
  if (!o.json) {
    std::printf("\nIoU of each class, %%:\n%-*s", static_cast<int>(width), "class");
    for (Index c = 0; c < e.classes; ++c) std::printf(" %5ld", static_cast<long>(c));
    std::printf("\n");
    for (std::size_t m = 0; m < names.size(); ++m) {
      std::printf("%-*s", static_cast<int>(width), names[m].c_str());
      for (double v : classes[m]) std::printf(" %5.1f", v);
      std::printf("\n");
    }
  }
  write_bar_chart(chart, "Linear probe of upsampled features", groups,
                  backbone->describe() + "; whiskers: standard deviation over " + std::to_string(e.seeds) + " seeds");
  write_png(picture, in_rows(pictures, 3));
  report["outputs"] = {chart, picture};
  if (!o.quiet && !o.json) std::printf("chart %s, class maps of %s %s\n", chart.c_str(), all[0].stem.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace fu
