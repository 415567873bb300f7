// The names that DINO's, DINOv2's, DeiT's and MAE's own code and timm have in common: also the names of Vit's
// parameters.
#pragma once

#include "featup/backbones/named_tensors.h"

namespace fu {

/// Tokens, positions, the patch embedding, norms, attention and plain MLPs; chunked blocks too (blocks.0.11.norm1).
NameRules original_names();
/// Heads of trainings and classifiers behind the features, mask tokens, and upsamplers: known, not used.
NameRules original_ignored();

}  // namespace fu
