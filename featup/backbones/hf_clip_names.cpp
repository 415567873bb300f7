#include "featup/backbones/hf_clip_names.h"

#include "featup/backbones/clip_blocks.h"

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
                                  with_beginnings({"encoder.layers.#.", "layers.#."}, hf_clip_block())});
  const NameRules outside = {{"visual_projection.weight", "projection.weight"},
                             {"text_model.*", ""},
                             {"text_projection.*", ""},
                             {"classifier.*", ""},
                             {"logit_scale", ""},
                             {"logit_bias", ""}};
  return joined({with_beginnings({in_tower(weights, prefix) ? kTower : ""}, tower), outside});
}

}  // namespace fu
