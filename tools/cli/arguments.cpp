#include "tools/cli/arguments.h"

#include <filesystem>

#include "core/isa.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "featup/backbones/registry.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/media/image_folder.h"

namespace fu {

void CommonArgs::add(Command& app) {
  app.add_option("--threads", threads, "threads; default: all cores").between(0, 1024);
  app.add_option("--seed", seed, "seed of everything random; default 0").check([](const std::string& text) {
    return text.find('-') == std::string::npos ? std::string() : "'" + text + "': give a whole number from 0.";
  });
  app.add_option("--max-memory", max_memory, "bytes of tensors at most, like 2G; more is refused, not swapped");
  app.add_flag("--quiet", quiet, "no progress and no summary");
  app.add_flag("--json", json, "a machine-readable summary on standard output");
}

void CommonArgs::apply() const {
  set_threads(threads);
  set_memory_limit(parse_bytes("--max-memory", max_memory));
  kernels();
}

void BackboneArgs::add(Command& app) {
  app.add_option("--backbone", name, backbone_choices() + " (.safetensors, .pth, .ckpt)").show_default();
  fields.add(app, BackboneOptions());
}

BackboneOptions BackboneArgs::options() const {
  BackboneOptions options;
  fields.apply(options);
  return options;
}

std::unique_ptr<Backbone> BackboneArgs::open() const {
  auto backbone = open_any();
  require<UsageError>(!backbone->whole_image() && backbone->feature() != "attention", "--feature ", backbone->feature(),
                      " is for `featup features` alone: it is no grid of the photo's features.");
  return backbone;
}

void FeatureArgs::add(Command& app) {
  backbone.add(app);
  app.add_option(
      "--features", features,
      "take low-resolution features from this file in place of a backbone: .npy, .npz, .safetensors, .pt; a map "
      "or tokens");
  add_layout(app, features_layout, "layout of that file: auto, hwc, chw or tokens");
  size_option = add_size(app, size);
  app.add_option("--tile", tile,
                 "the backbone sees the photo in overlapping windows of N x N pixels, such as the size it learned "
                 "from; --size is then own, if it is not given")
      .between(1, 16384);
}

std::string FeatureArgs::wanted_size() const { return tile > 0 && size_option && !size_option.given() ? "own" : size; }

void FeatureArgs::add_layout(Command& app, std::string& layout, const std::string& help) {
  app.add_option("--features-layout", layout, help).one_of({"auto", "hwc", "chw", "tokens"}).show_default();
}

Option FeatureArgs::add_size(Command& app, std::string& size) {
  return app
      .add_option(
          "--size", size,
          "image size at the backbone: N (short side, aspect kept), HxW (scaled to cover it, then cropped around "
          "the centre), or own (not scaled, cut to whole patches around the centre)")
      .show_default();
}

void UpsamplerArgs::add(Command& app) {
  std::vector<std::string> qualities;
  for (const QualityPreset& preset : quality_presets()) qualities.push_back(preset.name);
  app.add_option("--upsampler", name, upsampler_choices()).show_default();
  app.add_option("--quality", quality, "in place of --upsampler: " + quality_choices())
      .one_of(qualities)
      .excludes("--upsampler");
}

std::string UpsamplerArgs::method() const { return quality.empty() ? name : upsampler_of_quality(quality); }

void ProjectionArgs::add(Command& app) {
  app.add_option("--project", project, "linear map (C,K) over channels, .npy or .safetensors");
  app.add_option("--pca", pca, "keep K principal components").between(1, 1 << 20);
}

void FormatArgs::add(Command& app) {
  app.add_option("--format", format, "npy or safetensors").one_of({"npy", "safetensors"}).show_default();
  add_dtype(app, dtype, "f32 or f16");
  app.add_option("--layout", layout, "hwc or chw").one_of({"hwc", "chw"}).show_default();
}

void FormatArgs::add_dtype(Command& app, std::string& dtype, const std::string& help) {
  app.add_option("--dtype", dtype, help).one_of({"f32", "f16"}).show_default();
}

OutputFormat FormatArgs::parsed() const {
  return {format == "safetensors", dtype == "f16" ? DType::f16 : DType::f32, parse_layout(layout)};
}

void ShardArgs::add(Command& app) {
  app.add_option("--shard", shard,
                 "I/N: only the I-th of N parts of the inputs, for many machines; finished ones are skipped");
  app.add_flag("--skip-finished", skip_finished, "leave out inputs whose results are there already");
}

ChosenInputs ShardArgs::choose(const std::vector<std::string>& inputs) const {
  namespace fs = std::filesystem;
  ChosenInputs all;
  for (const std::string& input : inputs) {
    std::error_code none;
    if (!fs::is_directory(input, none)) {
      all.paths.push_back(input);
      all.names.push_back(input_stem(input));
      continue;
    }
    const FoundPictures inside = find_pictures(input);
    require<FileError>(!inside.paths.empty(), input, ": has no pictures in it, nor in its folders.",
                       inside.left_out.empty() ? "" : " Of " + inside.left_out + ".");
    for (const std::string& path : inside.paths) {
      all.paths.push_back(path);
      all.names.push_back(fs::path(path).lexically_relative(input).replace_extension().string());
    }
    if (!inside.left_out.empty()) all.left_out += (all.left_out.empty() ? "" : "; ") + inside.left_out;
  }
  require_own_names(all.paths, all.names);
  if (shard.empty()) return all;
  const std::size_t slash = shard.find('/');
  const Index part = parse_whole(shard.substr(0, slash), 1 << 20),
              parts = slash == std::string::npos ? 0 : parse_whole(shard.substr(slash + 1), 1 << 20);
  require<OptionError>(part >= 1 && part <= parts, "--shard '", shard, "': give I/N, the I-th of N parts, like 1/8.");
  ChosenInputs chosen;
  chosen.left_out = all.left_out;
  for (std::size_t i = usize(part - 1); i < all.paths.size(); i += usize(parts)) {
    chosen.paths.push_back(all.paths[i]);
    chosen.names.push_back(all.names[i]);
  }
  return chosen;
}

void CompatArgs::add(Command& app, const std::string& help) {
  app.add_option("--compat", compat, "published: " + help).one_of({"published"});
}

}  // namespace fu
