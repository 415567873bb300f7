#include "featup/backbones/staged_backbone.h"

namespace fu {

int choose_stage(const BackboneFile& file, const BackboneOptions& options) {
  require<UsageError>(
      options.heads == 0 && options.activation == "auto" && options.norm_eps == 0 && options.positions == "auto",
      "[backbone] ", file.weights.path(),
      ": heads, act, eps and positions are for transformers; this is a network of convolutions.");
  require<UsageError>(options.layer >= 0 && options.layer <= 4, "[backbone] ", file.weights.path(), ": layer ",
                      options.layer, ": there are 4 stages; they count from 1.");
  return options.layer == 0 ? 4 : static_cast<int>(options.layer);
}

StagedPlan plan_stages(const BackboneFile& file, const BackboneOptions& options, int stage, const std::string& feature,
                       const std::string& title) {
  StagedPlan plan;
  plan.feature = feature;
  plan.summary.text = title;
  std::vector<BackboneSetting>& settings = plan.summary.settings;
  plan.normalization = choose_normalization(file, options, kImageNet, "usual for ImageNet's models", settings);
  settings.push_back({"feature", feature, options.feature == "auto" ? "usual" : "option"});
  settings.push_back({"layer", std::to_string(stage), options.layer == 0 ? "the last" : "option"});
  return plan;
}

TensorShapes shapes_of(const NamedTensors& tensors) {
  return {tensors.path(), [&tensors](const std::string& name) { return tensors.has(name); },
          [&tensors](const std::string& name) { return tensors.shape(name); }};
}

void check_image(const Tensor& image, Index stride) {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= stride && image.dim(2) >= stride &&
                          image.dim(1) % stride == 0 && image.dim(2) % stride == 0,
                      "[backbone] image ", image.shape(), " for cells of ", stride,
                      " pixels: must be (B,H,W,3) with H and W multiples of ", stride, ".");
}

}  // namespace fu
