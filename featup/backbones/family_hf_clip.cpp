// CLIP's image encoder with Hugging Face's names.
// source: arXiv 2103.00020
#include "featup/backbones/hf_clip_names.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

VitFamily family_of_hf_clip(const BackboneFile& file) {
  VitFamily family;
  family.title = "CLIP";
  family.rules = hf_clip_names(file.weights, file.prefix);
  family.activation = {Activation::quick_gelu, "OpenAI's, usual with these names; LAION's are erf"};
  family.norm_eps = {1e-5, "usual for CLIP"};
  family.positions = {PositionRule::size, "usual with these names"};
  family.normalization = {kClip, "usual for CLIP"};
  return family;
}

}  // namespace

BackboneFamily backbone_family_hf_clip() {
  BackboneFamily family = vit_family<family_of_hf_clip>(
      "hf_clip", "CLIP",
      [](const Weights& weights, std::string& prefix) { return recognise_hf_clip(weights, true, prefix); });
  family.features = clip_features();
  return family;
}

}  // namespace fu
