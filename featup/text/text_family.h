// The names that text encoders' tensors have in files.
#pragma once

#include <string>

#include "featup/backbones/vit_backbone.h"

namespace fu {

/// What a file's names tell of its text encoder. Names here are those of TextTransformer.
struct TextFamily {
  std::string title;
  std::string prefix;
  NameRules rules;
  bool causal = true;
  bool heads_of_64 = true;  // else as the image encoder of that width has
  Because<Activation> activation{Activation::quick_gelu, "usual for CLIP"};
  double norm_eps = 1e-5;
};

/// The text encoder in a file; false if there is none. Reads no tensor.
bool recognise_text(const Weights& weights, TextFamily& family);

}  // namespace fu
