// SigLIP's and SigLIP 2's image encoder with Hugging Face's names.
// source: arXiv 2303.15343, 2502.14786
#include "featup/backbones/hf_clip_names.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

VitFamily family_of_siglip(const BackboneFile& file) {
  VitFamily family;
  family.title = "SigLIP";
  family.rules = hf_clip_names(file.weights, file.prefix);
  family.activation = {Activation::tanh_gelu, "usual for SigLIP"};
  family.norm_eps = {1e-6, "usual for SigLIP"};
  family.positions = {PositionRule::size, "usual with these names"};
  family.normalization = {kHalf, "usual for SigLIP"};
  return family;
}

}  // namespace

BackboneFamily backbone_family_siglip() {
  BackboneFamily family = vit_family<family_of_siglip>(
      "siglip", "SigLIP",
      [](const Weights& weights, std::string& prefix) { return recognise_hf_clip(weights, false, prefix); });
  family.features = {"token", "key", "query", "value", "maskclip", "image"};
  return family;
}

}  // namespace fu
