// DINOv2, with and without registers, with Hugging Face's names.
// source: arXiv 2304.07193, 2309.16588
#include "featup/backbones/hf_names.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

bool recognise_hf_dinov2(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "embeddings.patch_embeddings.projection.weight", found)) return false;
  if (!has_hf_block(weights, found, "layer_scale1.lambda1")) return false;
  prefix = found;
  return true;
}

VitFamily family_of_hf_dinov2(const BackboneFile& file) {
  const bool registers = file.weights.has(file.prefix + "embeddings.register_tokens");
  VitFamily family;
  family.title = "DINOv2";
  family.rules =
      joined({hf_names(), with_beginnings(hf_blocks(), {{"norm1.*", "blocks.#.norm1.*"},
                                                        {"norm2.*", "blocks.#.norm2.*"},
                                                        {"layer_scale1.lambda1", "blocks.#.ls1.gamma"},
                                                        {"layer_scale2.lambda1", "blocks.#.ls2.gamma"},
                                                        {"mlp.weights_in.*", "blocks.#.mlp.w1.* | blocks.#.mlp.w2.*"},
                                                        {"mlp.weights_out.*", "blocks.#.mlp.w3.*"}})});
  family.norm_eps = {1e-6, "usual for DINOv2"};
  family.positions = {registers ? PositionRule::aa : PositionRule::size,
                      registers ? "as with registers" : "usual with these names"};
  family.normalization = {kImageNet, "usual for DINOv2"};
  return family;
}

}  // namespace

BackboneFamily backbone_family_hf_dinov2() {
  return vit_family<family_of_hf_dinov2>("hf_dinov2", "DINOv2", recognise_hf_dinov2);
}

}  // namespace fu
