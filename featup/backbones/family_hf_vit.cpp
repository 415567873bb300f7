// ViT, DINO, DeiT, MAE and I-JEPA with Hugging Face's names.
// source: arXiv 2010.11929 (ViT), 2104.14294 (DINO), 2012.12877 (DeiT), 2111.06377 (MAE), 2301.08243 (I-JEPA)
#include "featup/backbones/hf_names.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

bool recognise_hf_vit(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "embeddings.patch_embeddings.projection.weight", found)) return false;
  if (!has_hf_block(weights, found, "layernorm_before.weight")) return false;
  prefix = found;
  return true;
}

VitFamily family_of_hf_vit(const BackboneFile& file) {
  const Weights& w = file.weights;
  const std::string& p = file.prefix;
  VitFamily family;
  family.title = !w.has(p + "embeddings.cls_token")           ? "I-JEPA"
                 : w.has(p + "embeddings.distillation_token") ? "distilled DeiT"
                 : file.config.model_type == "vit_mae"        ? "MAE"
                                                              : "ViT, DINO or DeiT";
  family.rules = joined({hf_names(), with_beginnings(hf_blocks(), {{"layernorm_before.*", "blocks.#.norm1.*"},
                                                                   {"layernorm_after.*", "blocks.#.norm2.*"},
                                                                   {"intermediate.dense.*", "blocks.#.mlp.fc1.*"},
                                                                   {"output.dense.*", "blocks.#.mlp.fc2.*"}})});
  family.norm_eps = {family.title == "I-JEPA" ? 1e-6 : 1e-12, "usual with these names"};
  family.positions = {PositionRule::size, "usual with these names"};
  family.normalization = {kImageNet, "no file says it, and models of both kinds have these names"};
  return family;
}

}  // namespace

BackboneFamily backbone_family_hf_vit() {
  return vit_family<family_of_hf_vit>("hf_vit", "ViT, DeiT, MAE, I-JEPA", recognise_hf_vit);
}

}  // namespace fu
