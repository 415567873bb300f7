// featup eval probe: what upsampling is worth for naming pixels. A linear layer is trained on frozen low-resolution
// features of labelled photos; its class maps of other photos, brought to full resolution by each method, are compared
// with the labels there.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

#include "featup/measure/linear_probe.h"
#include "featup/measure/segmentation.h"
#include "tools/cli/featurize.h"
#include "tools/cli/methods.h"
#include "tools/cli/progress.h"
#include "tools/media/chart.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

/// Labels from a grey picture of height x width; throws FileError if it has another size.
Labels read_labels(const std::string& path, Index height, Index width) {
  const Image picture = read_image(path);
  require<FileError>(picture.height == height && picture.width == width, path, ": has ", picture.height, "x",
                     picture.width, " pixels, its photo ", height, "x", width, ".");
  Labels labels(static_cast<std::size_t>(height * width));
  for (std::size_t p = 0; p < labels.size(); ++p) labels[p] = picture.rgb[3 * p];
  return labels;
}

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
    const Index h = whole.height / patch * patch, w = whole.width / patch * patch, top = (whole.height - h) / 2,
                left = (whole.width - w) / 2;
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

/// What the steps below share. Methods are opened first: a name that means nothing should not cost minutes.
struct Setting {
  const Options& o;
  const Options::Eval& e;
  std::unique_ptr<Backbone> backbone;
  std::vector<Method> methods;
  std::vector<std::unique_ptr<Upsampler>> upsamplers;
  std::string photo;  // at hand
  ProgressBar bar;

  explicit Setting(const Options& options)
      : o(options),
        e(options.eval),
        backbone(open_backbone(o.backbone, {o.feature})),
        methods(methods_with(o.methods, e.only)),
        bar("eval probe", o.quiet) {
    UpsamplerOptions upsampler;
    upsampler.seed = o.seed;
    upsampler.backbone = [this](const Tensor& image) { return backbone->features(image); };
    for (const Method& m : methods) upsamplers.push_back(open_method(m.name, upsampler, photo));
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;
};

/// A probe for each seed, side by side: the features of all labelled photos are in memory meanwhile.
ChannelMap learn_probes(Setting& in, const std::vector<LabelledPhoto>& photos, Report& report) {
  std::vector<LabelledFeatures> labelled;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    in.bar.update(0.3 * static_cast<double>(i) / static_cast<double>(photos.size()), "features of labelled photos");
    Cut cut(photos[i], in.backbone->patch());
    labelled.push_back(
        {in.backbone->features(normalize(cut.photo)), cut.photo.height, cut.photo.width, std::move(cut.labels)});
  }
  report.stage("features");
  std::vector<ChannelMap> probes;
  for (Index s = 0; s < in.e.seeds; ++s) {
    ProbeOptions probe;
    probe.classes = in.e.classes, probe.seed = in.o.seed + static_cast<std::uint64_t>(s);
    probes.push_back(train_probe(labelled, probe, [&](double part) {
      in.bar.update(0.3 + 0.2 * (static_cast<double>(s) + part) / static_cast<double>(in.e.seeds), "probes");
    }));
  }
  report.stage("probes");
  return joined(probes);
}

struct Named {
  std::vector<Score> scores;  // of the methods
  Score first_on_some;        // the first method's, on the photos that those that look often were asked about
  std::vector<Image> pictures;
};

/// Adds what a method's class maps, K channels for every seed, are worth on one photo.
void add_to_score(Score& score, const Tensor& logits, const Cut& cut, const std::vector<bool>& near, Index classes,
                  std::vector<Image>* pictures) {
  ++score.images;
  for (std::size_t s = 0; s < score.all.size(); ++s) {
    const Labels named = largest_of(logits, static_cast<Index>(s) * classes, classes);
    Confusion here(classes), here_near(classes);
    for (std::size_t p = 0; p < named.size(); ++p) {
      if (cut.labels[p] >= classes) continue;
      here.add(cut.labels[p], named[p]);
      if (near[p]) here_near.add(cut.labels[p], named[p]);
    }
    score.all[s].add(here), score.near[s].add(here_near);
    if (s > 0) continue;
    score.image_accuracy.push_back(percent(here.accuracy()));
    if (pictures) pictures->push_back(paint_labels(named, cut.photo.height, cut.photo.width, classes));
  }
}

/// All methods name the pixels of a photo before the next one is read. Those that look often do so for some photos
/// only, and are compared with the first method's result on the same ones.
Named name_photos(Setting& in, const std::vector<LabelledPhoto>& photos, const ChannelMap& probe) {
  ChannelMap layers = probe;
  layers.offset_first = true;
  const std::vector<Confusion> empty(static_cast<std::size_t>(in.e.seeds), Confusion(in.e.classes));
  Named named{std::vector<Score>(in.methods.size(), Score{empty, empty, {}, 0, 0}), Score{empty, empty, {}, 0, 0}, {}};
  const auto every = static_cast<std::size_t>(in.e.every), slow_every = static_cast<std::size_t>(in.e.slow_every);
  for (std::size_t i = 0; i < photos.size(); i += every) {
    in.photo = photos[i].stem;
    const Cut cut(photos[i], in.backbone->patch());
    const Extent size{cut.photo.height, cut.photo.width};
    const Guide guide = [&](Index h, Index w) {
      return normalize(h > 0 && (h != size.height || w != size.width) ? resize_antialiased(cut.photo, h, w)
                                                                      : cut.photo);
    };
    const Tensor features = in.backbone->features(guide(0, 0));
    const std::vector<bool> near = near_boundaries(cut.labels, size.height, size.width, in.e.classes, kReach);
    const bool some = i / every % slow_every == 0;
    if (i == 0) named.pictures = {cut.photo, paint_labels(cut.labels, size.height, size.width, in.e.classes)};
    for (std::size_t m = 0; m < in.methods.size(); ++m) {
      const Cost cost = in.methods[m].cost;
      if (cost == Cost::many_passes && !some) continue;
      const double part = static_cast<double>(m) / static_cast<double>(in.methods.size());
      in.bar.update(0.5 + 0.5 * (static_cast<double>(i) + part) / static_cast<double>(photos.size()),
                    in.methods[m].name);
      const double begin = now_seconds();
      // Class maps are upsampled as they are, offsets and all, so that kernels whose sum is not 1 change none of them.
      // Methods that look at the photo often, and those who bring maps of their own, name what they make of it: means
      // of many looks keep constants.
      const Upsampler& upsampler = *in.upsamplers[m];
      const Tensor logits = upsampler(features, guide, size, &layers);
      named.scores[m].seconds += now_seconds() - begin;
      add_to_score(named.scores[m], logits, cut, near, in.e.classes, i == 0 ? &named.pictures : nullptr);
      if (m == 0 && some) add_to_score(named.first_on_some, logits, cut, near, in.e.classes, nullptr);
    }
  }
  in.bar.finish();
  return named;
}

/// A method's numbers, as text, JSON and bars.
struct Row {
  std::string name;
  const Score& score;
  Spread iou = percents(score.all, &Confusion::mean_iou), accuracy = percents(score.all, &Confusion::accuracy),
         near = percents(score.near, &Confusion::accuracy), photos = spread_of(score.image_accuracy);
  double seconds = score.images > 0 ? score.seconds / static_cast<double>(score.images) : 0;

  double class_iou(Index c) const {
    std::vector<double> of_seeds;
    for (const Confusion& one : score.all) of_seeds.push_back(percent(one.iou(c)));
    return spread_of(of_seeds).mean;
  }
  void print(int width) const {
    std::printf("%-*s  mIoU %5.2f +- %.2f  accuracy %5.2f +- %.2f  near %5.2f +- %.2f  photos %ld +- %.2f  %.2f s\n",
                width, name.c_str(), iou.mean, iou.deviation, accuracy.mean, accuracy.deviation, near.mean,
                near.deviation, static_cast<long>(score.images), photos.deviation, seconds);
  }
  nlohmann::ordered_json json(Index classes) const {
    nlohmann::ordered_json one = {{"method", name},
                                  {"images", score.images},
                                  {"mean_iou", iou.mean},
                                  {"mean_iou_deviation", iou.deviation},
                                  {"accuracy", accuracy.mean},
                                  {"accuracy_deviation", accuracy.deviation},
                                  {"accuracy_near", near.mean},
                                  {"accuracy_near_deviation", near.deviation},
                                  {"accuracy_deviation_over_images", photos.deviation},
                                  {"seconds", seconds}};
    for (Index c = 0; c < classes; ++c)
      one["iou"].push_back(std::isfinite(class_iou(c)) ? nlohmann::ordered_json(class_iou(c)) : nullptr);
    return one;
  }
};

/// The methods by cost; before those that look often, the first method on the photos that they were asked about.
std::vector<Row> rows_of(const Setting& in, const Named& named) {
  std::vector<Row> rows;
  for (const Cost cost : {Cost::one_pass, Cost::made_elsewhere, Cost::many_passes}) {
    bool first = true;
    for (std::size_t m = 0; m < in.methods.size(); ++m) {
      if (in.methods[m].cost != cost) continue;
      if (first && cost == Cost::many_passes && in.e.slow_every > 1)
        rows.push_back({in.methods[0].name + ", there", named.first_on_some});
      first = false;
      rows.push_back({in.methods[m].name, named.scores[m]});
    }
  }
  return rows;
}

void print_table(const std::vector<Row>& rows, const Setting& in, std::size_t learned_from) {
  std::printf("linear probe: %zu photos to learn from, %ld to name, %ld seeds; %s\n", learned_from,
              static_cast<long>(rows.front().score.images), static_cast<long>(in.e.seeds),
              in.backbone->describe().c_str());
  std::printf(
      "mean (+- standard deviation over seeds); near: within %ld pixels of an outline; last: its deviation over "
      "photos, seconds a photo\n",
      static_cast<long>(kReach));
  std::size_t longest = 8;
  for (const Row& row : rows) longest = std::max(longest, row.name.size());
  const int width = static_cast<int>(longest);
  for (const Row& row : rows) row.print(width);
  std::printf("\nIoU of each class, %%:\n%-*s", width, "class");
  for (Index c = 0; c < in.e.classes; ++c) std::printf(" %5ld", static_cast<long>(c));
  std::printf("\n");
  for (const Row& row : rows) {
    std::printf("%-*s", width, row.name.c_str());
    for (Index c = 0; c < in.e.classes; ++c) std::printf(" %5.1f", row.class_iou(c));
    std::printf("\n");
  }
}

void write_chart(const std::string& path, const std::vector<Row>& rows, const Setting& in) {
  constexpr std::size_t kBars = 24;
  std::vector<BarGroup> groups = {{"mean IoU, %", {}}, {"accuracy, %", {}}, {"accuracy near outlines, %", {}}};
  for (std::size_t i = 0; i < std::min(rows.size(), kBars); ++i) {
    const Row& row = rows[i];
    groups[0].bars.push_back({row.name, row.iou.mean, row.iou.deviation});
    groups[1].bars.push_back({row.name, row.accuracy.mean, row.accuracy.deviation});
    groups[2].bars.push_back({row.name, row.near.mean, row.near.deviation});
  }
  write_bar_chart(
      path, "Linear probe of upsampled features", groups,
      in.backbone->describe() + "; whiskers: standard deviation over " + std::to_string(in.e.seeds) + " seeds");
}

}  // namespace

int run_eval_probe(const Options& o) {
  Report report("eval probe", o);
  const std::vector<LabelledPhoto> train = pairs_of(o.eval.images, o.eval.labels),
                                   val = pairs_of(o.eval.val_images, o.eval.val_labels);
  Setting in(o);
  std::vector<std::string> asked;
  for (std::size_t i = 0; i < val.size(); i += static_cast<std::size_t>(o.eval.every)) asked.push_back(val[i].stem);
  require_maps(in.methods, asked);
  const std::string folder = output_folder(o), chart = folder + "/eval-probe.svg", picture = folder + "/eval-probe.png";
  const ChannelMap probe = learn_probes(in, train, report);
  const Named named = name_photos(in, val, probe);
  report.stage("methods");

  const std::vector<Row> rows = rows_of(in, named);
  report["backbone"] = in.backbone->describe();
  report["images"] = {{"train", train.size()}, {"val", rows.front().score.images}};
  report["seeds"] = o.eval.seeds;
  for (const Row& row : rows) report["methods"].push_back(row.json(o.eval.classes));
  if (!o.json) print_table(rows, in, train.size());
  write_chart(chart, rows, in);
  write_png(picture, in_rows(named.pictures, 3));
  report["outputs"] = {chart, picture};
  if (!o.quiet && !o.json)
    std::printf("chart %s, class maps of %s %s\n", chart.c_str(), val[0].stem.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace fu
