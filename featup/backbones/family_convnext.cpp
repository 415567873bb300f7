// ConvNeXt with the names of its own code and of DINOv3's, of timm, and of Hugging Face's two forms.
// source: arXiv 2201.03545 (ConvNeXt), 2508.10104 (DINOv3)
#include "featup/backbones/convnext.h"
#include "featup/backbones/staged_backbone.h"

namespace fu {

namespace {

bool recognise_convnext(const Weights& weights, std::string& prefix) {
  for (const char* first : {"encoder.stages.0.layers.0.dwconv.weight", "stages.0.layers.0.depthwise_conv.weight",
                            "stages.0.blocks.0.conv_dw.weight", "stages.0.0.dwconv.weight"})
    if (std::string found; find_prefix(weights, first, found)) {
      // transformers 5 writes "model.stages", with the last norm outside of "model.".
      const std::string inner = "model.";
      if (found.size() >= inner.size() && found.compare(found.size() - inner.size(), inner.size(), inner) == 0 &&
          weights.has(found.substr(0, found.size() - inner.size()) + "layer_norm.weight"))
        found.resize(found.size() - inner.size());
      prefix = found;
      return true;
    }
  return false;
}

NameRules names() {
  return {// its own code, and DINOv3's .pth
          {"downsample_layers.#.#.*", "downsample_layers.#.#.*"},
          {"stages.#.#.dwconv.*", "stages.#.#.dwconv.*"},
          {"stages.#.#.norm.*", "stages.#.#.norm.*"},
          {"stages.#.#.pwconv#.*", "stages.#.#.pwconv#.*"},
          {"stages.#.#.gamma", "stages.#.#.gamma"},
          {"norms.#.*", ""},  // the last one is norm, by a second name
          {"norm.*", "norm.*"},
          // timm
          {"stem.#.*", "downsample_layers.0.#.*"},
          {"stages.#.downsample.#.*", "downsample_layers.#.#.*"},
          {"stages.#.blocks.#.conv_dw.*", "stages.#.#.dwconv.*"},
          {"stages.#.blocks.#.norm.*", "stages.#.#.norm.*"},
          {"stages.#.blocks.#.mlp.fc1.*", "stages.#.#.pwconv1.*"},
          {"stages.#.blocks.#.mlp.fc2.*", "stages.#.#.pwconv2.*"},
          {"stages.#.blocks.#.gamma", "stages.#.#.gamma"},
          {"head.norm.*", "norm.*"},
          {"norm_pre.*", "norm.*"},
          // Hugging Face: DINOv3
          {"stages.#.downsample_layers.#.*", "downsample_layers.#.#.*"},
          {"stages.#.layers.#.depthwise_conv.*", "stages.#.#.dwconv.*"},
          {"stages.#.layers.#.layer_norm.*", "stages.#.#.norm.*"},
          {"stages.#.layers.#.pointwise_conv#.*", "stages.#.#.pwconv#.*"},
          {"stages.#.layers.#.gamma", "stages.#.#.gamma"},
          {"layer_norm.*", "norm.*"},
          // Hugging Face: ConvNeXt
          {"embeddings.patch_embeddings.*", "downsample_layers.0.0.*"},
          {"embeddings.layernorm.*", "downsample_layers.0.1.*"},
          {"encoder.stages.#.downsampling_layer.#.*", "downsample_layers.#.#.*"},
          {"encoder.stages.#.layers.#.dwconv.*", "stages.#.#.dwconv.*"},
          {"encoder.stages.#.layers.#.layernorm.*", "stages.#.#.norm.*"},
          {"encoder.stages.#.layers.#.pwconv#.*", "stages.#.#.pwconv#.*"},
          {"encoder.stages.#.layers.#.layer_scale_parameter", "stages.#.#.gamma"},
          {"layernorm.*", "norm.*"},
          // classifiers
          {"head.*", ""},
          {"classifier.*", ""}};
}

NameRules rules_of(int stages, bool final_norm) {
  NameRules unused;
  for (int s = stages; s < 4; ++s)
    for (const char* name : {"downsample_layers.", "stages.", "encoder.stages."})
      unused.push_back({name + std::to_string(s) + ".*", ""});
  if (!final_norm)
    for (const char* name : {"norm.*", "head.norm.*", "norm_pre.*", "layer_norm.*", "layernorm.*"})
      unused.push_back({name, ""});
  return with_beginnings({"", "model."}, joined({unused, names()}));
}

/// "ConvNeXt-T", or "ConvNeXt" where the sizes do not tell.
std::string title_of(const ConvNextConfig& c) {
  struct Known {
    const char* name;
    Index third, width;  // blocks of the third stage, channels of the first
  };
  if (c.stages.size() >= 3)
    for (const Known& k : {Known{"ConvNeXt-T", 9, 96}, Known{"ConvNeXt-S", 27, 96}, Known{"ConvNeXt-B", 27, 128},
                           Known{"ConvNeXt-L", 27, 192}, Known{"ConvNeXt-XL", 27, 256}})
      if (k.third == c.stages[2].blocks && k.width == c.stages[0].channels) return k.name;
  return "ConvNeXt";
}

struct ConvNextPlan : StagedPlan {
  NamedTensors tensors;
  ConvNextConfig config;
};

ConvNextPlan plan_of_convnext(const BackboneFile& file, const BackboneOptions& options) {
  const int stage = choose_stage(file, options);
  const std::string feature = options.feature != "auto" ? options.feature : stage == 4 ? "token" : "stage";
  const bool normed = feature != "stage";
  require<UsageError>(!normed || stage == 4, "[backbone] ", file.weights.path(), ": feature '", feature, "' of stage ",
                      stage, ": only the last stage has a norm. Take 'stage'.");
  NamedTensors tensors(file.weights, file.prefix, rules_of(stage, normed), wanted_precision(options));
  const ConvNextConfig c = read_convnext_config(shapes_of(tensors), stage, normed);
  const std::string title = title_of(c) + ", stage " + std::to_string(stage) + " of width " +
                            std::to_string(c.channels()) + ", patch " + std::to_string(c.stride());
  StagedPlan plan = plan_stages(file, options, stage, feature, title);
  say_precision(tensors, options, plan.summary);
  return {std::move(plan), std::move(tensors), c};
}

}  // namespace

BackboneFamily backbone_family_convnext() {
  BackboneFamily family;
  family.name = "convnext";
  family.summary = "ConvNeXt";
  family.features = {"token", "stage", "cls"};  // the map with and without the final norm; its mean, normalised
  family.recognise = recognise_convnext;
  family.describe = [](const BackboneFile& file, const BackboneOptions& options) {
    return plan_of_convnext(file, options).summary;
  };
  family.open = [](const BackboneFile& file, const BackboneOptions& options) -> std::unique_ptr<Backbone> {
    const ConvNextPlan plan = plan_of_convnext(file, options);
    return std::make_unique<StagedBackbone<ConvNext>>(std::make_unique<ConvNext>(plan.config, nullptr), plan,
                                                      plan.tensors);
  };
  return family;
}

}  // namespace fu
