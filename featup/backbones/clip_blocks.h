// Names of a block's tensors that CLIP's image and text encoders share, and SigLIP's.
#pragma once

#include "featup/backbones/named_tensors.h"

namespace fu {

/// Behind "transformer.resblocks.#." of OpenAI's and OpenCLIP's files.
NameRules openai_clip_block();
/// Behind "encoder.layers.#." of Hugging Face's files.
NameRules hf_clip_block();

}  // namespace fu
