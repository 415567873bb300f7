// Residual networks with torchvision's names, which timm, DINO and FeatUp share; inside of torchvision's DeepLab and
// FCN; and with Hugging Face's names. source: arXiv 1512.03385 (ResNet), 1706.05587 (DeepLab v3), 2104.14294 (DINO)
#include "featup/backbones/resnet.h"
#include "featup/backbones/staged_backbone.h"

namespace fu {

namespace {

constexpr const char* kHfStem = "embedder.embedder.convolution.weight";

bool recognise_resnet(const Weights& weights, std::string& prefix) {
  std::string found;
  const bool plain = find_prefix(weights, "layer1.0.conv1.weight", found) && weights.has(found + "conv1.weight");
  if (!plain && !find_prefix(weights, kHfStem, found)) return false;
  prefix = found;
  return true;
}

/// Whether the file is torchvision's network for segmentation, whose ResNet is dilated: "backbone." beside
/// "classifier.".
bool is_segmenter(const Weights& weights, const std::string& prefix) {
  const std::string last = "backbone.";
  if (prefix.size() < last.size() || prefix.compare(prefix.size() - last.size(), last.size(), last) != 0) return false;
  const std::string classifier = prefix.substr(0, prefix.size() - last.size()) + "classifier.";
  const auto it = weights.entries().lower_bound(classifier);
  return it != weights.entries().end() && it->first.compare(0, classifier.size(), classifier) == 0;
}

NameRules rules_of(int layers) {
  NameRules rules{{"*num_batches_tracked", ""}};
  for (int s = layers; s < 4; ++s) {  // layers behind the one that is wanted
    rules.push_back({"layer" + std::to_string(s + 1) + ".*", ""});
    rules.push_back({"encoder.stages." + std::to_string(s) + ".*", ""});
  }
  rules = joined({rules,
                  {{"conv1.weight", "conv1.weight"},
                   {"bn1.*", "bn1.*"},
                   {"layer#.#.conv#.weight", "layer#.#.conv#.weight"},
                   {"layer#.#.bn#.*", "layer#.#.bn#.*"},
                   {"layer#.#.downsample.#.*", "layer#.#.downsample.#.*"},
                   {"fc.*", ""},
                   {"embedder.embedder.convolution.weight", "conv1.weight"},
                   {"embedder.embedder.normalization.*", "bn1.*"}}});
  for (int s = 0; s < layers; ++s) {  // Hugging Face counts from 0
    const std::string theirs = "encoder.stages." + std::to_string(s) + ".layers.#.",
                      ours = "layer" + std::to_string(s + 1) + ".#.";
    for (int i = 0; i < 3; ++i) {
      const std::string layer = theirs + "layer." + std::to_string(i), number = std::to_string(i + 1);
      rules.push_back({layer + ".convolution.weight", ours + "conv" + number + ".weight"});
      rules.push_back({layer + ".normalization.*", ours + "bn" + number + ".*"});
    }
    rules.push_back({theirs + "shortcut.convolution.weight", ours + "downsample.0.weight"});
    rules.push_back({theirs + "shortcut.normalization.*", ours + "downsample.1.*"});
  }
  return rules;
}

/// "ResNet-50", or "ResNet" where the blocks do not tell.
std::string title_of(const ResNetConfig& c) {
  struct Known {
    const char* name;
    bool bottleneck;
    Index blocks[4];
  };
  std::string title;
  for (const Known& k : {Known{"ResNet-18", false, {2, 2, 2, 2}}, Known{"ResNet-34", false, {3, 4, 6, 3}},
                         Known{"ResNet-50", true, {3, 4, 6, 3}}, Known{"ResNet-101", true, {3, 4, 23, 3}},
                         Known{"ResNet-152", true, {3, 8, 36, 3}}}) {
    bool same = k.bottleneck == c.bottleneck;
    for (std::size_t i = 0; i < c.layers.size(); ++i) same = same && k.blocks[i] == c.layers[i].blocks;
    if (same) title = title.empty() ? k.name : "ResNet";
  }
  return title.empty() ? "ResNet" : title;
}

struct ResNetPlan : StagedPlan {
  NamedTensors tensors;
  ResNetConfig config;
};

ResNetPlan plan_of_resnet(const BackboneFile& file, const BackboneOptions& options) {
  const int stage = choose_stage(file, options);
  const bool segmenter = is_segmenter(file.weights, file.prefix);
  const std::string feature = options.feature != "auto" ? options.feature : segmenter ? "dilated" : "token";
  NamedTensors tensors(file.weights, file.prefix, rules_of(stage), wanted_precision(options));
  const ResNetConfig c = read_resnet_config(shapes_of(tensors), stage, feature == "dilated");
  const std::string title = title_of(c) + (segmenter ? " of DeepLab" : "") + ", layer" + std::to_string(stage) +
                            " of width " + std::to_string(c.channels()) + ", patch " + std::to_string(c.stride());
  StagedPlan plan = plan_stages(file, options, stage, feature, title);
  say_precision(tensors, options, plan.summary);
  return {std::move(plan), std::move(tensors), c};
}

}  // namespace

BackboneFamily backbone_family_resnet() {
  BackboneFamily family;
  family.name = "resnet";
  family.summary = "ResNet, DeepLab";
  family.features = {"token", "dilated"};  // the last map; the same by dilated layers, 8 pixels a cell
  family.recognise = recognise_resnet;
  family.describe = [](const BackboneFile& file, const BackboneOptions& options) {
    return plan_of_resnet(file, options).summary;
  };
  family.open = [](const BackboneFile& file, const BackboneOptions& options) -> std::unique_ptr<Backbone> {
    const ResNetPlan plan = plan_of_resnet(file, options);
    return std::make_unique<StagedBackbone<ResNet>>(std::make_unique<ResNet>(plan.config, nullptr), plan, plan.tensors);
  };
  return family;
}

}  // namespace fu
