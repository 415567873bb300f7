#include "featup/text/text_family.h"

#include "featup/backbones/clip_blocks.h"

namespace fu {

namespace {

/// OpenAI's and OpenCLIP's names. OpenCLIP puts some text encoders under "text.".
bool recognise_openai(const Weights& w, TextFamily& family) {
  if (!find_prefix(w, "token_embedding.weight", family.prefix)) return false;
  if (!w.has(family.prefix + "transformer.resblocks.0.ln_1.weight")) return false;
  const bool openai = w.format() == "TorchScript" || w.has(family.prefix + "input_resolution");
  family.title = "CLIP";
  family.activation = {openai ? Activation::quick_gelu : Activation::gelu,
                       openai ? "OpenAI's" : "usual for OpenCLIP; OpenAI's, DFN's and MetaCLIP's are quick"};
  family.rules = joined({{{"token_embedding.weight", "token_embedding.weight"},
                          {"positional_embedding", "positional_embedding"},
                          {"ln_final.*", "ln_final.*"},
                          {"text_projection", "projection.weight ^T"},
                          {"visual.*", ""},
                          {"logit_scale", ""},
                          {"logit_bias", ""},
                          {"attn_mask", ""},
                          {"input_resolution", ""},
                          {"context_length", ""},
                          {"vocab_size", ""}},
                         with_beginnings({"transformer.resblocks.#."}, openai_clip_block())});
  return true;
}

bool recognise_hf(const Weights& w, TextFamily& family) {
  if (!find_prefix(w, "text_model.embeddings.token_embedding.weight", family.prefix)) return false;
  const bool siglip = w.has(family.prefix + "text_model.head.weight");
  family.title = siglip ? "SigLIP" : "CLIP";
  family.causal = !siglip, family.heads_of_64 = !siglip;
  family.activation =
      siglip ? Because<Activation>{Activation::tanh_gelu, "usual for SigLIP"}
             : Because<Activation>{Activation::quick_gelu, "OpenAI's, usual with these names; LAION's are erf"};
  family.norm_eps = siglip ? 1e-6 : 1e-5;
  family.rules = joined({{{"text_model.embeddings.token_embedding.weight", "token_embedding.weight"},
                          {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
                          {"text_model.embeddings.position_ids", ""},
                          {"text_model.final_layer_norm.*", "ln_final.*"},
                          {"text_model.head.*", "projection.*"},
                          {"text_projection.weight", "projection.weight"},
                          {"vision_model.*", ""},
                          {"visual_projection.*", ""},
                          {"logit_scale", ""},
                          {"logit_bias", ""}},
                         with_beginnings({"text_model.encoder.layers.#.", "text_model.layers.#."}, hf_clip_block())});
  return true;
}

}  // namespace

bool recognise_text(const Weights& weights, TextFamily& family) {
  TextFamily found;
  if (recognise_hf(weights, found)) {
    family = found;
    return true;
  }
  found = TextFamily();
  if (!recognise_openai(weights, found)) return false;
  family = found;
  return true;
}

}  // namespace fu
