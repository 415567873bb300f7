// Names that Hugging Face's transformers gives to the image encoders of CLIP and SigLIP.
#pragma once

#include "featup/backbones/named_tensors.h"

namespace fu {

/// Finds the tensors' prefix, without "vision_model.". class_embedding: whether that tensor must be there (CLIP), or
/// must not (SigLIP).
bool recognise_hf_clip(const Weights& weights, bool class_embedding, std::string& prefix);
/// Rules for names behind that prefix, text encoders included: those are not used.
NameRules hf_clip_names(const Weights& weights, const std::string& prefix);

}  // namespace fu
