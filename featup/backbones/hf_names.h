// Names that Hugging Face's transformers gives to ViT, DeiT, MAE, I-JEPA and DINOv2.
#pragma once

#include "featup/backbones/named_tensors.h"

namespace fu {

/// Tokens, positions, the patch embedding, the last norm, attention, and what is not used.
NameRules hf_names();
/// Beginnings of a block's names: of published files, and of those that transformers 5 writes.
std::vector<std::string> hf_blocks();
/// Whether a tensor of the first block has that name.
bool has_hf_block(const Weights& weights, const std::string& prefix, const std::string& name);

}  // namespace fu
