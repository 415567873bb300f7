// featup upsample: from photos to high-resolution features, and a picture of them.

#include "featup/upsamplers/registry.h"
#include "tools/cli/errors.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/cli/upsample_photo.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

struct UpsampleCommand {
  std::vector<std::string> images;
  ShardArgs shard;
  FeatureArgs source;
  ProjectionArgs projection;
  UpsamplerArgs upsampler;
  std::string out_size;
  CompatArgs compat;
  std::string output;
  FormatArgs format;
  CommonArgs common;

  void add(Command& app);
};

void UpsampleCommand::add(Command& app) {
  app.add_option("image", images, "photos: PNG, JPEG, BMP, TGA, PBM, PGM, PPM; or folders of them").required();
  shard.add(app);
  source.add(app);
  projection.add(app);
  upsampler.add(app);
  app.add_option("--out-size", out_size, "HxW of the result; default: 16x the feature map, cut to the image");
  compat.add(app, "all four levels, guided by the photo at the backbone's size");
  app.add_option("-o,--output", output,
                 "folder for the results; default featup-out; -: features of one photo to standard output");
  format.add(app);
  common.add(app);
  app.footer(
      "Example: featup upsample photo.jpg --backbone deit_tiny_patch16_224.safetensors --upsampler "
      "maskclip_jbu_stack_cocostuff.ckpt");
}

/// One run of the command, for any number of photos.
class UpsampleRun {
 public:
  explicit UpsampleRun(const UpsampleCommand& command)
      : o_(command),
        wanted_(parse_extent("--out-size", o_.out_size)),
        featurizer_(o_.source),
        upsampler_(open_upsampler(o_.upsampler.method(),
                                  {o_.compat.published(), feature_function(featurizer_.backbone()), o_.common.seed})),
        projection_(read_projection(o_.projection.project)) {}

  const Featurizer& featurizer() const { return featurizer_; }
  std::string backbone() const { return featurizer_.describe(); }
  std::string upsampler() const { return upsampler_->describe(); }
  /// Files that no result may replace, beside the photos.
  std::vector<std::string> files_read() const {
    return {o_.source.features, o_.projection.project, o_.source.backbone.name, o_.upsampler.name};
  }
  /// Writes the features to `data`, and the picture after them: a picture alone would look like success.
  nlohmann::ordered_json one(const std::string& input, const std::string& data, const std::string& picture,
                             Report& report, ProgressBar& bar);

 private:
  void tell(const std::string& note);
  Image picture_of(const PhotoFeatures& photo, const Tensor& coarse, const Tensor& result) const;

  const UpsampleCommand& o_;
  Extent wanted_;  // 0 x 0: not given
  Featurizer featurizer_;
  std::unique_ptr<Upsampler> upsampler_;
  Tensor projection_;
  std::string told_;
};

/// Prints a note, unless it is the one of the photo before.
void UpsampleRun::tell(const std::string& note) {
  if (!note.empty() && note != told_ && !o_.common.quiet) print_note(note);
  told_ = note;
}

/// Photo, low-resolution features, result. The colours are fitted to the low-resolution features, over the channels
/// that are written, and shared.
Image UpsampleRun::picture_of(const PhotoFeatures& photo, const Tensor& coarse, const Tensor& result) const {
  constexpr Index kSide = 2048;
  const FeatureColors colors(coarse);
  const Index rows = result.dim(1), cols = result.dim(2);
  return side_by_side({fit_picture(photo.views->at(rows, cols), kSide),
                       fit_picture(enlarge_nearest(colors.paint(coarse), rows, cols), kSide),
                       fit_picture(colors.paint(result), kSide)});
}

nlohmann::ordered_json UpsampleRun::one(const std::string& input, const std::string& data, const std::string& picture,
                                        Report& report, ProgressBar& bar) {
  const auto stage = [&bar](const char* name, double from, double to) {
    return [&bar, name, from, to](double f) { bar.update(from + (to - from) * f, name); };
  };
  const PhotoFeatures photo = featurizer_.run(input, report, stage("backbone", 0, 0.4));
  tell(upsampler_->note(photo.features.dim(3)));
  const Extent size = upsampled_size(input, photo, wanted_);
  const UpsampledPhoto upsampled =
      upsample_photo(*upsampler_, photo, size, o_.projection, projection_, stage("upsample", 0.4, 0.8));
  const Tensor& result = upsampled.features;
  report.stage("upsample");
  bar.update(0.8, "write");
  make_folder_of(data);
  write_features(
      data, result, o_.format.parsed(),
      {{"input", input}, {"backbone", backbone()}, {"upsampler", upsampler()}, {"size", o_.source.wanted_size()}});
  if (!picture.empty()) write_png(picture, picture_of(photo, apply_map(upsampled.coarse, upsampled.map), result));
  report.stage("write");
  nlohmann::ordered_json known = {{"in_size", {photo.in_size.height, photo.in_size.width}},
                                  {"lr_size", {photo.features.dim(1), photo.features.dim(2)}},
                                  {"out_size", {size.height, size.width}},
                                  {"channels", result.dim(3)}};
  if (!photo.features_read_as.empty()) known["features_read_as"] = photo.features_read_as;
  return known;
}

int run_upsample(const UpsampleCommand& o, const Program&) {
  const ChosenInputs chosen = o.shard.choose(o.images);
  const std::vector<std::string>&inputs = chosen.paths, &stems = chosen.names;
  Report report("upsample", inputs, o.common.json);
  UpsampleRun run(o);
  const bool to_output = goes_to_standard_output(o.output, inputs.size());
  const std::string folder = to_output ? "" : output_folder(o.output);
  report["outputs"] = nlohmann::json::array();
  report_backbone(report, run.featurizer().backbone(), run.backbone(), o.source.backbone, o.common);
  report["upsampler"] = run.upsampler();
  report.stage("load");
  report_left_out(report, chosen.left_out, o.common);
  const auto data_of = [&](std::size_t i) {
    return to_output ? o.output : folder + "/" + stems[i] + o.format.extension();
  };
  const auto picture_of = [&](std::size_t i) { return to_output ? std::string() : folder + "/" + stems[i] + ".png"; };
  std::vector<std::string> reads = run.files_read();
  reads.insert(reads.end(), inputs.begin(), inputs.end());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    protect_inputs(reads, {data_of(i), picture_of(i)});
    if (!o.shard.skips()) protect_pictures(o.output, {picture_of(i)});
  }

  const int code = for_each_input({inputs, o.shard.skips(), picture_of}, o.common, report, [&](std::size_t i) {
    ProgressBar bar("upsample " + stems[i], o.common.quiet);
    const nlohmann::ordered_json known = run.one(inputs[i], data_of(i), picture_of(i), report, bar);
    report["outputs"].push_back(data_of(i));
    if (!to_output) report["outputs"].push_back(picture_of(i));
    report_one(report, inputs[i], i == 0, inputs.size() > 1, known);
    bar.finish();
    if (o.common.prints_text())
      say("%s: %ldx%ldx%ld features from %ldx%ld%s -> %s\n", inputs[i].c_str(), known["out_size"][0].get<long>(),
          known["out_size"][1].get<long>(), known["channels"].get<long>(), known["lr_size"][0].get<long>(),
          known["lr_size"][1].get<long>(), in_brackets(known.value("features_read_as", std::string())).c_str(),
          named_with_picture(data_of(i), picture_of(i)).c_str());
  });
  report.print();
  return code;
}

}  // namespace

void add_upsample(Command& command, Program& program) { add_command(command, program, run_upsample); }

}  // namespace fu
