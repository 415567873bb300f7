#include "featup/backbones/hf_clip_names.h"

namespace fu {

namespace {

const char kTower[] = "vision_model.";

bool in_tower(const Weights& weights, const std::string& prefix) {
  return weights.has(prefix + kTower + "embeddings.patch_embedding.weight");
}

}  // namespace

bool recognise_hf_clip(const Weights& weights, bool class_embedding, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, "embeddings.patch_embedding.weight", found)) return false;
  if (weights.has(found + "embeddings.class_embedding") != class_embedding) return false;
  const std::string tower = kTower;
  if (found.size() >= tower.size() && found.compare(found.size() - tower.size(), tower.size(), tower) == 0)
    found.resize(found.size() - tower.size());
  prefix = found;
  return true;
}

NameRules hf_clip_names(const Weights& weights, const std::string& prefix) {
  const NameRules blocks = {{"layer_norm1.*", "blocks.#.norm1.*"},
                            {"layer_norm2.*", "blocks.#.norm2.*"},
                            {"self_attn.q_proj.*", "blocks.#.attn.qkv.* + 0"},
                            {"self_attn.k_proj.*", "blocks.#.attn.qkv.* + 1"},
                            {"self_attn.v_proj.*", "blocks.#.attn.qkv.* + 2"},
                            {"self_attn.out_proj.*", "blocks.#.attn.proj.*"},
                            {"mlp.fc1.*", "blocks.#.mlp.fc1.*"},
                            {"mlp.fc2.*", "blocks.#.mlp.fc2.*"}};
  const NameRules tower = joined({{{"embeddings.class_embedding", "cls_token"},
                                   {"embeddings.patch_embedding.*", "patch_embed.proj.*"},
                                   {"embeddings.position_embedding.weight", "pos_embed"},
                                   {"embeddings.position_ids", ""},
                                   {"pre_layrnorm.*", "norm_pre.*"},
                                   {"pre_layernorm.*", "norm_pre.*"},
                                   {"post_layernorm.*", "norm.*"},
                                   {"head.probe", "pool.probe"},
                                   {"head.attention.in_proj_weight", "pool.attn.qkv.weight"},
                                   {"head.attention.in_proj_bias", "pool.attn.qkv.bias"},
                                   {"head.attention.out_proj.*", "pool.attn.proj.*"},
                                   {"head.layernorm.*", "pool.norm.*"},
                                   {"head.mlp.*", "pool.mlp.*"}},
                                  with_beginnings({"encoder.layers.#.", "layers.#."}, blocks)});
  const NameRules outside = {{"visual_projection.weight", "projection.weight"},
                             {"text_model.*", ""},
                             {"text_projection.*", ""},
                             {"classifier.*", ""},
                             {"logit_scale", ""},
                             {"logit_bias", ""}};
  return joined({with_beginnings({in_tower(weights, prefix) ? kTower : ""}, tower), outside});
}

}  // namespace fu
