// A small CLIP of random numbers with both encoders and its vocabulary, in a folder as Hugging Face gives it.
#pragma once

#include <filesystem>

#include "tests/featup/backbones/stand_ins.h"
#include "tests/featup/text/small_tokenizers.h"

namespace fu::test {

/// Names and shapes; the small vocabulary has 525 pieces. Images and texts have 24 channels, patches 8 pixels.
inline Shapes small_clip(Index pieces) {
  Shapes s = hf_clip({64, 1, 8, 4, 0, 96}, 24);
  const std::string text = "text_model.", block = text + "encoder.layers.0.";
  s[text + "embeddings.token_embedding.weight"] = {pieces, 64};
  s[text + "embeddings.position_embedding.weight"] = {12, 64};
  s[text + "final_layer_norm.weight"] = s[text + "final_layer_norm.bias"] = {64};
  for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
    s[block + "self_attn." + part + ".weight"] = {64, 64};
    s[block + "self_attn." + part + ".bias"] = {64};
  }
  for (const char* norm : {"layer_norm1", "layer_norm2"})
    s[block + norm + ".weight"] = s[block + norm + ".bias"] = {64};
  s[block + "mlp.fc1.weight"] = {80, 64}, s[block + "mlp.fc1.bias"] = {80};
  s[block + "mlp.fc2.weight"] = {64, 80}, s[block + "mlp.fc2.bias"] = {64};
  s["text_projection.weight"] = {24, 64};
  return s;
}

inline void write_small_clip(const std::string& folder) {
  std::filesystem::create_directories(folder);
  write_random(folder + "/model.safetensors", small_clip(525), real(0.5));
  write_bytes(folder + "/merges.txt", kSmallMerges);
  write_bytes(folder + "/vocab.json", clip_vocabulary(merges_of(kSmallMerges)).dump());
}

}  // namespace fu::test
