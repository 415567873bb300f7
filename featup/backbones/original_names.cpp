#include "featup/backbones/original_names.h"

namespace fu {

NameRules original_names() {
  return joined({{{"patch_embed.proj.*", "patch_embed.proj.*"},
                  {"cls_token", "cls_token"},
                  {"dist_token", "dist_token"},
                  {"pos_embed", "pos_embed"},
                  {"norm.*", "norm.*"}},
                 // DINOv2's trainings keep their blocks in chunks, and number them through.
                 with_beginnings({"blocks.#.", "blocks.~.#."}, {{"norm1.*", "blocks.#.norm1.*"},
                                                                {"norm2.*", "blocks.#.norm2.*"},
                                                                {"attn.qkv.weight", "blocks.#.attn.qkv.weight"},
                                                                {"attn.qkv.bias", "blocks.#.attn.qkv.bias"},
                                                                {"attn.proj.*", "blocks.#.attn.proj.*"},
                                                                {"mlp.fc1.*", "blocks.#.mlp.fc1.*"},
                                                                {"mlp.fc2.*", "blocks.#.mlp.fc2.*"}})});
}

NameRules original_ignored() {
  return {// FeatUp's own parts, in a file that holds both
          {"upsampler.*", ""},  {"downsampler.*", ""}, {"scale_net.*", ""}, {"model.1.norm.*", ""}, {"training.*", ""},
          {"mask_token", ""},   {"head.*", ""},        {"head_dist.*", ""}, {"pre_logits.*", ""},   {"decoder*", ""},
          {"projectors.*", ""}, {"fc.*", ""},          {"dino_head.*", ""}, {"ibot_head.*", ""}};
}

}  // namespace fu
