// featup features: the low-resolution features of photos.

#include "tools/cli/channel_maps.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

struct FeaturesCommand {
  std::vector<std::string> images;
  ShardArgs shard;
  FeatureArgs source;
  ProjectionArgs projection;
  std::string output;
  FormatArgs format;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("image", images, "photos, or folders of them").required();
    shard.add(app);
    source.add(app);
    projection.add(app);
    app.add_option("-o,--output", output,
                   "folder for the results; default featup-out; -: features of one photo to standard output");
    format.add(app);
    common.add(app);
    app.footer("Example: featup features *.jpg --backbone dino_deitsmall16_pretrain.pth -o features");
  }
};

int run_features(const FeaturesCommand& o, const Program&) {
  const ChosenInputs chosen = o.shard.choose(o.images);
  const std::vector<std::string>&inputs = chosen.paths, &stems = chosen.names;
  Report report("features", inputs, o.common.json);
  const Featurizer featurizer(o.source, true);
  const Tensor projection = read_projection(o.projection.project);
  const bool to_output = goes_to_standard_output(o.output, inputs.size());
  const std::string folder = to_output ? "" : output_folder(o.output);
  report["outputs"] = nlohmann::json::array();
  report_backbone(report, featurizer.backbone(), featurizer.describe(), o.source.backbone, o.common);
  report.stage("load");
  report_left_out(report, chosen.left_out, o.common);
  const auto data_of = [&](std::size_t i) {
    return to_output ? o.output : folder + "/" + stems[i] + ".lr" + o.format.extension();
  };
  const int code = for_each_input({inputs, o.shard.skips(), data_of}, o.common, report, [&](std::size_t i) {
    ProgressBar bar("features " + stems[i], o.common.quiet);
    const PhotoFeatures photo = featurizer.run(inputs[i], report, [&](double f) { bar.update(f, "backbone"); });
    const Tensor result =
        apply_map(photo.features, channel_map(o.projection, projection, photo.features, "the features have"));
    const std::string data = data_of(i);
    make_folder_of(data);
    write_features(data, result, o.format.parsed(),
                   {{"input", inputs[i]},
                    {"backbone", featurizer.describe()},
                    {"upsampler", "none"},
                    {"size", o.source.wanted_size()}});
    report.stage("write");
    report["outputs"].push_back(data);
    nlohmann::ordered_json known = {{"in_size", {photo.in_size.height, photo.in_size.width}},
                                    {"lr_size", {result.dim(1), result.dim(2)}},
                                    {"channels", result.dim(3)}};
    if (!photo.features_read_as.empty()) known["features_read_as"] = photo.features_read_as;
    report_one(report, inputs[i], i == 0, inputs.size() > 1, known);
    bar.finish();
    if (o.common.prints_text())
      say("%s: %ldx%ldx%ld features%s -> %s\n", inputs[i].c_str(), static_cast<long>(result.dim(1)),
          static_cast<long>(result.dim(2)), static_cast<long>(result.dim(3)),
          in_brackets(photo.features_read_as).c_str(), data.c_str());
  });
  report.print();
  return code;
}

}  // namespace

void add_features(Command& command, Program& program) { add_command(command, program, run_features); }

}  // namespace fu
