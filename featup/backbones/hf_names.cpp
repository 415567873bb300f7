#include "featup/backbones/hf_names.h"

namespace fu {

std::vector<std::string> hf_blocks() { return {"encoder.layer.#.", "encoder.layers.#.", "layers.#.", "layer.#."}; }

bool has_hf_block(const Weights& weights, const std::string& prefix, const std::string& name) {
  for (const char* block : {"encoder.layer.0.", "encoder.layers.0.", "layers.0.", "layer.0."})
    if (weights.has(prefix + block + name)) return true;
  return false;
}

NameRules hf_names() {
  return joined({{{"embeddings.cls_token", "cls_token"},
                  {"embeddings.distillation_token", "dist_token"},
                  {"embeddings.register_tokens", "register_tokens"},
                  {"embeddings.mask_token", ""},
                  {"embeddings.position_embeddings", "pos_embed"},
                  {"embeddings.patch_embeddings.projection.*", "patch_embed.proj.*"},
                  {"layernorm.*", "norm.*"},
                  {"pooler.*", ""},
                  {"classifier.*", ""},
                  {"cls_classifier.*", ""},
                  {"distillation_classifier.*", ""},
                  {"decoder.*", ""}},
                 with_beginnings(hf_blocks(), {{"attention.attention.query.*", "blocks.#.attn.qkv.* + 0"},
                                               {"attention.attention.key.*", "blocks.#.attn.qkv.* + 1"},
                                               {"attention.attention.value.*", "blocks.#.attn.qkv.* + 2"},
                                               {"attention.output.dense.*", "blocks.#.attn.proj.*"},
                                               {"attention.q_proj.*", "blocks.#.attn.qkv.* + 0"},
                                               {"attention.k_proj.*", "blocks.#.attn.qkv.* + 1"},
                                               {"attention.v_proj.*", "blocks.#.attn.qkv.* + 2"},
                                               {"attention.o_proj.*", "blocks.#.attn.proj.*"},
                                               {"mlp.fc1.*", "blocks.#.mlp.fc1.*"},
                                               {"mlp.fc2.*", "blocks.#.mlp.fc2.*"}})});
}

}  // namespace fu
