#include "featup/backbones/clip_blocks.h"

namespace fu {

NameRules openai_clip_block() {
  return {{"ln_1.*", "blocks.#.norm1.*"},
          {"ln_2.*", "blocks.#.norm2.*"},
          {"attn.in_proj_weight", "blocks.#.attn.qkv.weight"},
          {"attn.in_proj_bias", "blocks.#.attn.qkv.bias"},
          {"attn.out_proj.*", "blocks.#.attn.proj.*"},
          {"mlp.c_fc.*", "blocks.#.mlp.fc1.*"},
          {"mlp.c_proj.*", "blocks.#.mlp.fc2.*"}};
}

NameRules hf_clip_block() {
  return {{"layer_norm1.*", "blocks.#.norm1.*"},
          {"layer_norm2.*", "blocks.#.norm2.*"},
          {"self_attn.q_proj.*", "blocks.#.attn.qkv.* + 0"},
          {"self_attn.k_proj.*", "blocks.#.attn.qkv.* + 1"},
          {"self_attn.v_proj.*", "blocks.#.attn.qkv.* + 2"},
          {"self_attn.out_proj.*", "blocks.#.attn.proj.*"},
          {"mlp.fc1.*", "blocks.#.mlp.fc1.*"},
          {"mlp.fc2.*", "blocks.#.mlp.fc2.*"}};
}

}  // namespace fu
