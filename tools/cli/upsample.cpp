// featup upsample and featup features: from photos to feature maps in files.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/ops.h"
#include "core/ops/pca.h"
#include "tools/cli/commands.h"
#include "tools/cli/featurize.h"
#include "tools/cli/progress.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

nlohmann::ordered_json extent_json(Index h, Index w) { return {h, w}; }

/// The map over channels that the options ask for, fitted to these features; none: an empty matrix.
ChannelMap channel_map(const Options& o, const Tensor& projection, const Tensor& features) {
  ChannelMap map;
  const Index c = features.dim(3);
  if (!o.project.empty()) {
    require<UsageError>(projection.rank() == 2 && projection.dim(0) == c, o.project, ": is ", projection.shape(),
                        ", but the features have ", c, " channels: a projection is (", c, ",K).");
    map.matrix = projection;
  }
  if (o.pca > 0) {
    const Tensor y = map.matrix.size() ? matmul(features.reshape({-1, c}), map.matrix) : features.reshape({-1, c});
    require<UsageError>(o.pca <= y.dim(1), "--pca ", o.pca, ": the features have ", y.dim(1),
                        " channels; keep at most that many.");
    const Pca pca = fit_pca(y, o.pca);
    const Tensor axes = pca.components.permute({1, 0});
    map.offset = unary(Unary::affine, linear(pca.mean, pca.components, Tensor()), -1);
    map.matrix = map.matrix.size() ? matmul(map.matrix, axes) : axes;
  }
  return map;
}

Tensor read_projection(const Options& o) {
  if (o.project.empty()) return {};
  const Weights file(o.project);
  const Tensor t = file.read_single();
  require<FileError>(t.size() > 0, o.project, ": is ", t.shape(), "; a projection is (channels, at least 1).");
  return file.read(file.entries().begin()->first, t.shape());
}

/// (x matrix + offset)
Tensor apply_map(const Tensor& x, const ChannelMap& map) {
  if (map.matrix.size() == 0) return x;
  const Tensor y = linear(x, map.matrix.permute({1, 0}), Tensor());
  return map.offset.size() ? y + map.offset : y;
}

std::map<std::string, std::string> provenance(const Options& o, const std::string& input, const std::string& backbone,
                                              const std::string& upsampler) {
  return {{"input", input}, {"backbone", backbone}, {"upsampler", upsampler}, {"size", o.size}};
}

/// Runs `each` for every input; one that fails is reported and does not stop the others. Where finished ones are to be
/// skipped, last_output(i) tells what is written last.
template <class F, class G>
int for_each_input(const Options& o, Report& report, const G& last_output, const F& each) {
  int failures = 0, skipped = 0;
  for (std::size_t i = 0; i < o.inputs.size(); ++i) {
    std::error_code none;
    if (o.skip_finished && std::filesystem::exists(last_output(i), none)) {
      ++skipped;
      continue;
    }
    try {
      each(i);
    } catch (const std::bad_alloc&) {
      print_error(o.inputs[i] + ": out of memory. Ask for a smaller result.");
      ++failures;
    } catch (const std::exception& error) {
      print_error(error.what());
      ++failures;
    }
  }
  if (o.skip_finished) report["skipped"] = skipped;
  if (skipped > 0 && !o.quiet && !o.json)
    std::printf("%d of %zu inputs were finished before\n", skipped, o.inputs.size());
  if (failures > 0 && o.inputs.size() > 1)
    std::fprintf(stderr, "featup: %d of %zu inputs failed\n", failures, o.inputs.size());
  return failures > 0 ? 1 : 0;
}

}  // namespace

int run_upsample(const Options& o) {
  Report report("upsample", o);
  const std::vector<std::string> stems = output_stems(o.inputs);
  const OutputFormat format = parse_format(o);
  const Extent wanted = parse_extent("--out-size", o.out_size);
  const Featurizer featurizer(o);
  const auto upsampler = open_upsampler(o.upsampler, featurizer.upsampler_options());
  const Tensor projection = read_projection(o);
  const std::string folder = output_folder(o);
  report["outputs"] = nlohmann::json::array();
  report["backbone"] = featurizer.describe();
  report["upsampler"] = upsampler->describe();
  report.stage("load");
  std::string told;
  const char* extension = format.safetensors ? ".safetensors" : ".npy";
  for (const std::string& stem : stems)
    protect_inputs(o, {folder + "/" + stem + extension, folder + "/" + stem + ".png"});

  const auto last_output = [&](std::size_t i) { return folder + "/" + stems[i] + ".png"; };
  const int code = for_each_input(o, report, last_output, [&](std::size_t i) {
    ProgressBar bar("upsample " + stems[i], o.quiet);
    const auto stage = [&](const char* name, double from, double to) {
      return [&bar, name, from, to](double f) { bar.update(from + (to - from) * f, name); };
    };
    const Scene scene = featurizer.run(o.inputs[i], report, stage("backbone", 0, 0.4));
    const Tensor features = upsampler->output_space(scene.features);  // for components and colours
    const std::string note = upsampler->note(features.dim(3));
    if (!note.empty() && note != told && !o.quiet) std::fprintf(stderr, "featup: note: %s\n", note.c_str());
    told = note;

    const Index rows = features.dim(1), cols = features.dim(2);
    const Extent out = wanted.height > 0 ? wanted : default_output(rows, cols, scene.in_size);
    require<UsageError>(wanted.height > 0 || out.height * out.width <= kMaxInput, o.inputs[i],
                        ": the result would have ", out.height, "x", out.width,
                        " pixels. If that is meant, say --out-size ", out.height, "x", out.width, ".");
    const Guide guide = [&](Index h, Index w) {
      return normalize(
          scene.view(h > 0 ? h : scene.in_size.height, w > 0 ? w : scene.in_size.width, featurizer.cropped()));
    };
    const ChannelMap map = channel_map(o, projection, features);
    const Tensor result =
        (*upsampler)(scene.features, guide, out, map.matrix.size() ? &map : nullptr, stage("upsample", 0.4, 0.8));
    report.stage("upsample");

    const Image seen = scene.view(out.height, out.width, featurizer.cropped());
    const std::string base = folder + "/" + stems[i], data = base + extension, picture = base + ".png";
    bar.update(0.8, "write");
    // Colours: fitted to the coarse map, the same for both. Over the channels that are written, so a heatmap shows as
    // one.
    const Tensor coarse = apply_map(features, map);
    const FeatureColors colors(coarse);
    // The features first: a picture alone would look like success.
    write_features(data, result, format, provenance(o, o.inputs[i], featurizer.describe(), upsampler->describe()));
    const Index side = 2048;
    write_png(picture, side_by_side({fit_picture(seen, side),
                                     fit_picture(enlarge_nearest(colors.paint(coarse), out.height, out.width), side),
                                     fit_picture(colors.paint(result), side)}));
    report.stage("write");

    report["outputs"].push_back(data);
    report["outputs"].push_back(picture);
    nlohmann::ordered_json one = {{"input", o.inputs[i]},
                                  {"in_size", extent_json(scene.in_size.height, scene.in_size.width)},
                                  {"lr_size", extent_json(rows, cols)},
                                  {"out_size", extent_json(out.height, out.width)},
                                  {"channels", result.dim(3)}};
    if (i == 0)
      for (const char* key : {"in_size", "lr_size", "out_size", "channels"}) report[key] = one[key];
    if (o.inputs.size() > 1) report["images"].push_back(one);
    bar.finish();
    if (!o.quiet && !o.json)
      std::printf("%s: %ldx%ldx%ld features from %ldx%ld -> %s, picture %s\n", o.inputs[i].c_str(),
                  static_cast<long>(out.height), static_cast<long>(out.width), static_cast<long>(result.dim(3)),
                  static_cast<long>(rows), static_cast<long>(cols), data.c_str(), picture.c_str());
  });
  report.print();
  return code;
}

int run_features(const Options& o) {
  Report report("features", o);
  const std::vector<std::string> stems = output_stems(o.inputs);
  const OutputFormat format = parse_format(o);
  const Featurizer featurizer(o);
  const Tensor projection = read_projection(o);
  const std::string folder = output_folder(o);
  report["outputs"] = nlohmann::json::array();
  report["backbone"] = featurizer.describe();
  report.stage("load");
  const auto last_output = [&](std::size_t i) {
    return folder + "/" + stems[i] + ".lr" + (format.safetensors ? ".safetensors" : ".npy");
  };
  const int code = for_each_input(o, report, last_output, [&](std::size_t i) {
    ProgressBar bar("features " + stems[i], o.quiet);
    const Scene scene = featurizer.run(o.inputs[i], report, [&](double f) { bar.update(f, "backbone"); });
    const Tensor result = apply_map(scene.features, channel_map(o, projection, scene.features));
    const std::string data = last_output(i);
    write_features(data, result, format, provenance(o, o.inputs[i], featurizer.describe(), "none"));
    report.stage("write");
    report["outputs"].push_back(data);
    nlohmann::ordered_json one = {{"input", o.inputs[i]},
                                  {"in_size", extent_json(scene.in_size.height, scene.in_size.width)},
                                  {"lr_size", extent_json(result.dim(1), result.dim(2))},
                                  {"channels", result.dim(3)}};
    if (i == 0)
      for (const char* key : {"in_size", "lr_size", "channels"}) report[key] = one[key];
    if (o.inputs.size() > 1) report["images"].push_back(one);
    bar.finish();
    if (!o.quiet && !o.json)
      std::printf("%s: %ldx%ldx%ld features -> %s\n", o.inputs[i].c_str(), static_cast<long>(result.dim(1)),
                  static_cast<long>(result.dim(2)), static_cast<long>(result.dim(3)), data.c_str());
  });
  report.print();
  return code;
}

}  // namespace fu
