// Networks that are known by their tensors, and that this library does not have. Some of their files hold all tensors
// of a plain transformer and a few more; without those their features would be wrong.
#include "core/files/bytes.h"
#include "featup/backbones/named_tensors.h"
#include "featup/backbones/registry.h"

namespace fu {

namespace {

struct OtherNetwork {
  const char* pattern;  // of a tensor's name, as in NameRule
  const char* name;
};

constexpr OtherNetwork kOthers[] = {
    {"*patch_generator.embedder.weight", "RADIO"},
    {"*image_encoder.neck.*", "SAM's image encoder"},
    {"*vision_encoder.neck.*", "SAM's image encoder"},
    {"*image_encoder.trunk.*", "SAM 2's image encoder (Hiera)"},
    {"*attn.rel_pos_h", "a transformer with relative positions, such as SAM's or ViTDet's"},
    {"*layers.#.blocks.#.*relative_position_bias_table", "Swin"},
    {"*relative_position_bias_table", "BEiT or another transformer with relative position biases"},
    {"*relative_position_index", "BEiT or another transformer with relative position biases"},
    {"*rope.freqs_*", "EVA-02"},  // "rope.freqs" is AnyUp's and JAFAR's, which are upsamplers
    {"*inner_attn_ln.*", "EVA-02"},
    {"*mlp.ffn_ln.*", "EVA-02"},
    {"*attn.q_norm.*", "a transformer that normalises queries and keys (q_norm)"},
    {"*attention.q_norm.*", "a transformer that normalises queries and keys (q_norm)"},
    {"*self_attn.q_norm.*", "a transformer that normalises queries and keys (q_norm)"},
    {"*visual.attnpool.*", "CLIP's ResNet"},
    {"*visual.attn_pool.*", "CoCa's or the Perception Encoder's image encoder (attention pooling)"},
    {"*qformer.*", "BLIP-2"},
};

bool is_naflex(const Weights& weights, const std::string& name) {
  std::vector<std::string> captured;
  return fits_pattern("*embeddings.patch_embedding.weight", name, captured) && weights.shape(name).rank() == 2;
}

/// EVA's and the Perception Encoder's layers in timm: blocks as DINOv3's, but with position embeddings too.
bool is_eva(const Weights& weights, const std::string& name) {
  for (const char* ending : {"blocks.0.gamma_1", "blocks.0.attn.q_bias", "blocks.0.attn.q_proj.weight"}) {
    const std::string end = ending;
    if (name.size() < end.size() || name.compare(name.size() - end.size(), end.size(), end) != 0) continue;
    if (weights.has(name.substr(0, name.size() - end.size()) + "pos_embed")) return true;
  }
  return false;
}

}  // namespace

void refuse_other_networks(const Weights& weights) {
  const auto refuse = [&](const std::string& network, const std::string& tensor) {
    throw FileError("[backbone] " + weights.path() + ": is " + network + ", by its tensor '" + printable(tensor) +
                    "'. This program does not have that network; its features would be wrong. Choices are " +
                    backbone_choices() + ".");
  };
  std::vector<std::string> captured;
  for (const OtherNetwork& other : kOthers)
    for (const auto& [name, unused] : weights.entries())
      if (fits_pattern(other.pattern, name, captured)) refuse(other.name, name);
  for (const auto& [name, unused] : weights.entries()) {
    if (is_naflex(weights, name)) refuse("SigLIP 2 with flexible patches (naflex)", name);
    if (is_eva(weights, name)) refuse("EVA or the Perception Encoder", name);
  }
}

}  // namespace fu
