// DINO, DINOv2 (with and without registers) and DeiT, with the names of their original files, which timm shares:
// patch_embed.proj, blocks.N.attn.qkv, norm.
// source: arXiv 2104.14294 (DINO), 2304.07193 (DINOv2), 2309.16588 (registers), 2012.12877 (DeiT)
#include "featup/backbones/registry.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

std::string title(const VitConfig& c) {
  if (!c.layer_scale) return "DINO or DeiT transformer";
  return "DINOv2 transformer" + (c.registers ? " with " + std::to_string(c.registers) + " registers" : std::string());
}

}  // namespace

BackboneFamily backbone_family_dino() {
  BackboneFamily family;
  family.name = "dino";
  family.summary = "DINO, DINOv2 or DeiT";
  family.features = vit_features();
  family.recognise = Vit::find_prefix;
  family.open = [](const Weights& weights, const std::string& prefix, const BackboneOptions& options) {
    return vit_backbone(weights, prefix, title(Vit::read_config(weights, prefix)), options);
  };
  return family;
}

}  // namespace fu
