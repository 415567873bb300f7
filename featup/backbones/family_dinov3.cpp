// DINOv3 transformers, plain and gated, with the names of their own code and of timm.
// source: arXiv 2508.10104
#include "featup/backbones/dinov3.h"
#include "featup/backbones/original_names.h"

namespace fu {

VitFamily dinov3_family(const BackboneFile& file) {
  VitFamily family;
  family.title = "DINOv3";
  family.norm_eps = {1e-5, "usual for DINOv3"};
  family.rotary = true;
  family.missing_key_bias = true;
  const bool satellite = file.name().find("sat493m") != std::string::npos;
  family.normalization = {satellite ? kSat493m : kImageNet,
                          satellite ? "of satellite images, by the file's name" : "usual for DINOv3"};
  return family;
}

namespace {

bool recognise_dinov3(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "patch_embed.proj.weight", found) || weights.has(found + "pos_embed")) return false;
  const bool original = weights.has(found + "storage_tokens") || weights.has(found + "rope_embed.periods");
  const bool timm = weights.has(found + "reg_token") && weights.has(found + "blocks.0.gamma_1");
  if (original || timm) prefix = found;
  return original || timm;
}

VitFamily family_of_dinov3(const BackboneFile& file) {
  VitFamily family = dinov3_family(file);
  family.rules = joined(
      {{{"storage_tokens", "register_tokens"},
        {"reg_token", "register_tokens"},
        {"rope_embed.periods", "rope_embed.periods"},
        {"local_cls_norm.*", ""},
        {"cls_norm.*", ""}},
       with_beginnings({"blocks.#.", "blocks.~.#."}, {{"attn.qkv.bias_mask", ""},
                                                      // The key's third of the bias is masked, and may hold anything.
                                                      {"attn.qkv.bias", "blocks.#.attn.qkv.bias - k"},
                                                      {"attn.q_bias", "blocks.#.attn.qkv.bias + 0"},
                                                      {"attn.v_bias", "blocks.#.attn.qkv.bias + 2"},
                                                      {"ls1.gamma", "blocks.#.ls1.gamma"},
                                                      {"ls2.gamma", "blocks.#.ls2.gamma"},
                                                      {"gamma_1", "blocks.#.ls1.gamma"},
                                                      {"gamma_2", "blocks.#.ls2.gamma"},
                                                      {"mlp.w#.*", "blocks.#.mlp.w#.*"},
                                                      {"mlp.fc1_g.*", "blocks.#.mlp.w1.*"},
                                                      {"mlp.fc1_x.*", "blocks.#.mlp.w2.*"}}),
       original_names(),
       original_ignored()});
  if (file.weights.has(file.prefix + "blocks.0.mlp.fc1_g.weight"))
    family.rules = joined({with_beginnings({"blocks.#."}, {{"mlp.fc2.*", "blocks.#.mlp.w3.*"}}), family.rules});
  return family;
}

}  // namespace

BackboneFamily backbone_family_dinov3() { return vit_family<family_of_dinov3>("dinov3", "DINOv3", recognise_dinov3); }

}  // namespace fu
