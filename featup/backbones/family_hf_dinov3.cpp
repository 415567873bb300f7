// DINOv3 transformers, plain and gated, with Hugging Face's names.
// source: arXiv 2508.10104
#include "featup/backbones/dinov3.h"

namespace fu {

namespace {

bool recognise_hf_dinov3(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "embeddings.patch_embeddings.weight", found)) return false;
  for (const char* block : {"layer.0.", "model.layer.0.", "layers.0.", "encoder.layer.0."})
    if (weights.has(found + block + "attention.o_proj.weight")) {
      prefix = found;
      return true;
    }
  return false;
}

VitFamily family_of_hf_dinov3(const BackboneFile& file) {
  VitFamily family = dinov3_family(file);
  family.rules = joined({{{"embeddings.cls_token", "cls_token"},
                          {"embeddings.mask_token", ""},
                          {"embeddings.register_tokens", "register_tokens"},
                          {"embeddings.patch_embeddings.*", "patch_embed.proj.*"},
                          {"norm.*", "norm.*"},
                          {"model.norm.*", "norm.*"}},
                         with_beginnings({"layer.#.", "model.layer.#.", "layers.#.", "encoder.layer.#."},
                                         {{"norm1.*", "blocks.#.norm1.*"},
                                          {"norm2.*", "blocks.#.norm2.*"},
                                          {"attention.q_proj.*", "blocks.#.attn.qkv.* + 0"},
                                          {"attention.k_proj.*", "blocks.#.attn.qkv.* + 1"},
                                          {"attention.v_proj.*", "blocks.#.attn.qkv.* + 2"},
                                          {"attention.o_proj.*", "blocks.#.attn.proj.*"},
                                          {"layer_scale1.lambda1", "blocks.#.ls1.gamma"},
                                          {"layer_scale2.lambda1", "blocks.#.ls2.gamma"},
                                          {"mlp.gate_proj.*", "blocks.#.mlp.w1.*"}})});
  const bool gated = file.weights.has(file.prefix + "layer.0.mlp.gate_proj.weight") ||
                     file.weights.has(file.prefix + "model.layer.0.mlp.gate_proj.weight");
  const NameRules mlp = {{"mlp.up_proj.*", gated ? "blocks.#.mlp.w2.*" : "blocks.#.mlp.fc1.*"},
                         {"mlp.down_proj.*", gated ? "blocks.#.mlp.w3.*" : "blocks.#.mlp.fc2.*"}};
  family.rules =
      joined({family.rules, with_beginnings({"layer.#.", "model.layer.#.", "layers.#.", "encoder.layer.#."}, mlp)});
  return family;
}

}  // namespace

BackboneFamily backbone_family_hf_dinov3() {
  return vit_family<family_of_hf_dinov3>("hf_dinov3", "DINOv3", recognise_hf_dinov3);
}

}  // namespace fu
