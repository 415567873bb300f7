// CLIP's image encoder with OpenAI's names, which OpenCLIP and FeatUp share.
// source: arXiv 2103.00020 (CLIP), 2112.01071 (MaskCLIP's value path)
#include "featup/backbones/clip_blocks.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

bool recognise_clip(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "class_embedding", found) || !weights.has(found + "conv1.weight")) return false;
  prefix = found;
  return true;
}

Because<Activation> activation_of(const BackboneFile& file) {
  if (file.weights.format() == "TorchScript") return {Activation::quick_gelu, "OpenAI's archive"};
  if (file.of_featup()) return {Activation::quick_gelu, "OpenAI's, as FeatUp trains"};
  const std::string outer = file.prefix.substr(0, file.prefix.size() - std::min<std::size_t>(7, file.prefix.size()));
  if (file.weights.has(outer + "input_resolution")) return {Activation::quick_gelu, "OpenAI's state_dict"};
  return {Activation::gelu, "usual for OpenCLIP; OpenAI's, DFN's and MetaCLIP's are quick"};
}

VitFamily family_of_clip(const BackboneFile& file) {
  VitFamily family;
  family.title = "CLIP";
  family.rules = joined({{{"class_embedding", "cls_token"},
                          {"conv1.weight", "patch_embed.proj.weight"},
                          {"positional_embedding", "pos_embed"},
                          {"ln_pre.*", "norm_pre.*"},
                          {"ln_post.*", "norm.*"},
                          {"proj", "projection.weight ^T"}},
                         with_beginnings({"transformer.resblocks.#."}, openai_clip_block())});
  family.activation = activation_of(file);
  family.norm_eps = {1e-5, "usual for CLIP"};
  family.positions = {PositionRule::size, "usual for CLIP"};
  family.normalization = {kClip, "usual for CLIP"};
  if (file.of_featup()) {
    family.positions = {PositionRule::dino, "as FeatUp trains"};
    family.normalization = {kImageNet, "as FeatUp trains"};
  }
  return family;
}

}  // namespace

BackboneFamily backbone_family_clip() {
  BackboneFamily family = vit_family<family_of_clip>("clip", "CLIP", recognise_clip);
  family.features = clip_features();
  return family;
}

}  // namespace fu
