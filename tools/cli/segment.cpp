// featup segment: which pixels show what. Classes come from words, a classifier, a probe or ready vectors.
#include <cstdio>

#include "core/ops.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/errors.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/cli/segment_classes.h"
#include "tools/cli/segment_files.h"

namespace fu {

namespace {

struct SegmentCommand {
  std::vector<std::string> images;
  ShardArgs shard;
  FeatureArgs source;
  ClassArgs classes;
  UpsamplerArgs upsampler;
  std::string out_size, output;
  double threshold = -1, temperature = 0;
  SegmentOutputs outputs;
  FormatArgs format;
  CommonArgs common;

  Command app;  // knows what was given
  Option html;  // the same

  void add(Command& command);
  /// With a probe: the size and the upsampler that it learned with, where no others were given.
  void take_over(const Probe& probe);
};

void SegmentCommand::take_over(const Probe& probe) {
  if (!app.given("--size") && !app.given("--tile")) source.size = probe.size;
  if (!app.given("--upsampler") && !app.given("--quality") && !probe.upsampler.empty())
    upsampler.name = probe.upsampler;
}

void SegmentCommand::add(Command& command) {
  app = command;
  app.add_option("image", images, "photos, or folders of them").required();
  shard.add(app);
  source.add(app);
  classes.add(app);
  upsampler.add(app);
  app.add_option("--out-size", out_size,
                 "HxW of the label picture; default: the photo's, or with --size HxW that size");
  app.add_option("--threshold", threshold,
                 "a pixel whose class is less sure than this, from 0 to 1, has none (255); default 0, with --head 0.5")
      .between(0.0, 1.0);
  app.add_option("--temperature", temperature,
                 "scores are divided by it before the softmax; default: what the words or the probe learned with")
      .between(1e-6, 1e6);
  app.add_flag("!--no-heatmaps", outputs.heatmaps, "no heatmap of each class");
  html = app.add_flag("--html,!--no-html", outputs.html,
                      "a page to look at the classes in, for the browser; default: if there is one photo");
  app.add_option("--masks", outputs.masks, "also masks as COCO has them, in JSON: rle or polygons")
      .one_of({"rle", "polygons"});
  app.add_flag("--scores", outputs.scores, "also the scores of all classes at every pixel, a number each");
  app.add_option("-o,--output", output, "folder for the results; default featup-out");
  format.add(app);
  common.add(app);
  app.footer(
      "Writes NAME.labels.png (a class a pixel, numbered from 0 in the order given; 255: none), NAME.overlay.png,\n"
      "a heatmap of each class, and of a single photo a page.\n"
      "Example: featup segment photo.jpg --backbone clip-vit-base-patch16 --text \"cat, sofa, floor, anything else\"");
}

/// One run of the command, for any number of photos.
class SegmentRun {
 public:
  SegmentRun(const SegmentCommand& command, ChosenClasses chosen)
      : o_(command),
        wanted_(parse_extent("--out-size", o_.out_size)),
        chosen_(std::move(chosen)),
        featurizer_(chosen_.backbone() ? Featurizer(o_.source, chosen_.backbone()) : Featurizer(o_.source)),
        upsampler_(
            open_upsampler(o_.upsampler.method(), {false, feature_function(featurizer_.backbone()), o_.common.seed})) {}

  const Featurizer& featurizer() const { return featurizer_; }
  std::string upsampler() const { return upsampler_->describe(); }
  /// Before the photos, where a backbone says how many channels there will be.
  void open_classes(Report& report);
  std::vector<std::string> files_read() const;
  bool gives_numbers() const { return chosen_.probe() && chosen_.probe()->kind == Probe::Kind::numbers; }
  nlohmann::ordered_json one(const std::string& input, const std::string& base, Report& report, ProgressBar& bar);

 private:
  Classes classes_of(const PhotoFeatures& photo, std::vector<double>& probabilities) const;
  Extent result_size(const PhotoFeatures& photo) const;
  static nlohmann::ordered_json known_of(const PhotoFeatures& photo, Extent size, const Classes& classes);
  nlohmann::ordered_json numbers(const PhotoFeatures& photo, Extent size, const Classes& classes,
                                 const std::string& base, Report& report);
  std::vector<std::pair<std::string, std::string>> settings() const;

  const SegmentCommand& o_;
  Extent wanted_;  // 0 x 0: not given
  ChosenClasses chosen_;
  Featurizer featurizer_;
  std::unique_ptr<Upsampler> upsampler_;
  bool opened_ = false;
};

void SegmentRun::open_classes(Report& report) {
  if (!featurizer_.backbone()) return;
  chosen_.open(featurizer_.backbone(), featurizer_.backbone()->channels(), report, o_.common);
  opened_ = true;
}

std::vector<std::string> SegmentRun::files_read() const {
  std::vector<std::string> files = chosen_.files();
  files.insert(files.end(), {o_.source.features, o_.source.backbone.name, o_.upsampler.name});
  return files;
}

Classes SegmentRun::classes_of(const PhotoFeatures& photo, std::vector<double>& probabilities) const {
  Classes classes = chosen_.of(photo, probabilities);
  if (o_.temperature > 0) classes.scale = 1 / o_.temperature;
  return classes;
}

Extent SegmentRun::result_size(const PhotoFeatures& photo) const {
  if (wanted_.height > 0) return wanted_;
  if (featurizer_.cropped()) return photo.in_size;
  return {photo.views->photo().height, photo.views->photo().width};
}

std::vector<std::pair<std::string, std::string>> SegmentRun::settings() const {
  return {{"backbone", featurizer_.describe()},
          {"upsampler", upsampler()},
          {"size at the backbone", o_.source.wanted_size()}};
}

/// Of a probe that learned numbers.
nlohmann::ordered_json SegmentRun::numbers(const PhotoFeatures& photo, Extent size, const Classes& classes,
                                           const std::string& base, Report& report) {
  require<UsageError>(o_.outputs.masks.empty() && !o_.outputs.html,
                      "--masks and --html are for classes; the probe gives numbers.");
  SegmentFiles files(base, photo, size, classes, o_.outputs);
  Tensor values = upsampled_scores(*upsampler_, photo.features, photo.guide(), size, classes);
  const Tensor& centre = chosen_.probe()->centre;
  if (centre.size() > 0) values = values + centre;
  report.stage("scores");
  nlohmann::ordered_json known = known_of(photo, size, classes);
  files.finish_numbers(values, chosen_.probe()->unit, known);
  report.stage("write");
  return known;
}

nlohmann::ordered_json SegmentRun::known_of(const PhotoFeatures& photo, Extent size, const Classes& classes) {
  nlohmann::ordered_json known = {{"in_size", {photo.in_size.height, photo.in_size.width}},
                                  {"lr_size", {photo.features.dim(1), photo.features.dim(2)}},
                                  {"out_size", {size.height, size.width}},
                                  {"channels", classes.size()}};
  if (!photo.features_read_as.empty()) known["features_read_as"] = photo.features_read_as;
  return known;
}

nlohmann::ordered_json SegmentRun::one(const std::string& input, const std::string& base, Report& report,
                                       ProgressBar& bar) {
  const PhotoFeatures photo = featurizer_.run(input, report, [&bar](double f) { bar.update(0.5 * f, "backbone"); });
  if (!opened_) chosen_.open(nullptr, photo.features.dim(3), report, o_.common), opened_ = true;
  const Tensor space = upsampler_->output_space(photo.features);
  const bool learned_there = chosen_.probe() && chosen_.probe()->upsampler == o_.upsampler.method();
  require<UsageError>(space.data() == photo.features.data() || learned_there, "--upsampler ", o_.upsampler.method(),
                      ": brings a layer norm that features go through first; the classes are for features without it. "
                      "Give another upsampler.");
  std::vector<double> probabilities;
  const Classes classes = classes_of(photo, probabilities);
  const Extent size = result_size(photo);
  if (gives_numbers()) return numbers(photo, size, classes, base, report);
  const double threshold = o_.threshold >= 0 ? o_.threshold : classes.kind == ScoreKind::activation ? 0.5 : 0;
  SegmentOutputs outputs = o_.outputs;
  outputs.threshold = threshold;
  SegmentFiles files(base, photo, size, classes, outputs);
  report.stage("classes");
  const LabelMap map = label_pixels(
      *upsampler_, photo.features, photo.guide(), size, classes, threshold,
      [&files](const ScorePlane& scores) { files.add(scores); },
      [&bar](double f) { bar.update(0.5 + 0.4 * f, "scores"); });
  report.stage("scores");
  bar.update(0.9, "write");
  nlohmann::ordered_json known = known_of(photo, size, classes);
  files.finish(map, probabilities, settings(), known);
  report.stage("write");
  return known;
}

/// "cat 45% (0.87), sofa 20% (0.55)": the classes by their area, six at most.
std::string shares_text(const nlohmann::ordered_json& known) {
  std::vector<const nlohmann::ordered_json*> classes;
  if (known.contains("numbers"))
    return known["numbers"].size() == 1 ? "1 number a pixel"
                                        : std::to_string(known["numbers"].size()) + " numbers a pixel";
  for (const auto& one : known["classes"]) classes.push_back(&one);
  std::stable_sort(classes.begin(), classes.end(),
                   [](const auto* a, const auto* b) { return (*a)["pixels"] > (*b)["pixels"]; });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(classes.size(), 6); ++i) {
    char share[64];
    std::snprintf(share, sizeof share, " %.1f%% (%.2f)", 100 * (*classes[i])["area"].get<double>(),
                  (*classes[i])["confidence"].get<double>());
    text += (i > 0 ? ", " : "") + (*classes[i])["name"].get<std::string>() + share;
  }
  return text + (classes.size() > 6 ? ", ..." : "");
}

int run_segment(const SegmentCommand& given, const Program&) {
  SegmentCommand o = given;
  require<OptionError>(o.output != "-", "-o -: what a photo gives is several files. Give the name of a folder.");
  o.outputs.format = o.format.parsed();
  const ChosenInputs chosen = o.shard.choose(o.images);
  const std::vector<std::string>&inputs = chosen.paths, &stems = chosen.names;
  Report report("segment", inputs, o.common.json);
  ChosenClasses classes(o.classes, o.source);
  if (classes.probe()) o.take_over(*classes.probe());
  const bool numbers = classes.probe() && classes.probe()->kind == Probe::Kind::numbers;
  if (!o.html.given()) o.outputs.html = inputs.size() == 1 && !numbers;
  SegmentRun run(o, std::move(classes));
  const std::string folder = output_folder(o.output);
  report["outputs"] = nlohmann::json::array();
  report_backbone(report, run.featurizer().backbone(), run.featurizer().describe(), o.source.backbone, o.common);
  report["upsampler"] = run.upsampler();
  report.stage("load");
  run.open_classes(report);
  report.stage("words");
  report_left_out(report, chosen.left_out, o.common);
  const auto base_of = [&](std::size_t i) { return folder + "/" + stems[i]; };
  std::vector<std::string> reads = run.files_read();
  reads.insert(reads.end(), inputs.begin(), inputs.end());
  for (std::size_t i = 0; i < inputs.size(); ++i) protect_inputs(reads, SegmentFiles::paths(base_of(i), o.outputs));

  const auto last = [&](std::size_t i) { return base_of(i) + (run.gives_numbers() ? ".numbers.png" : ".labels.png"); };
  const int code = for_each_input({inputs, o.shard.skips(), last}, o.common, report, [&](std::size_t i) {
    ProgressBar bar("segment " + stems[i], o.common.quiet);
    nlohmann::ordered_json known = run.one(inputs[i], base_of(i), report, bar);
    const nlohmann::ordered_json outputs = known["outputs"];
    known.erase("outputs");
    for (const auto& path : outputs) report["outputs"].push_back(path);
    report_one(report, inputs[i], i == 0, inputs.size() > 1, known);
    bar.finish();
    if (!o.common.prints_text()) return;
    say("%s: %s -> %s", inputs[i].c_str(), shares_text(known).c_str(), outputs[0].get<std::string>().c_str());
    for (std::size_t f = 1; f < outputs.size(); ++f) say(", %s", outputs[f].get<std::string>().c_str());
    say("%s\n", o.outputs.heatmaps ? (", heatmaps in " + base_of(i) + ".heatmaps").c_str() : "");
  });
  report.print();
  return code;
}

}  // namespace

void add_segment(Command& command, Program& program) { add_command(command, program, run_segment); }

}  // namespace fu
