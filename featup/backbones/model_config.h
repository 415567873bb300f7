// What the files beside a model's weights say of it: config.json, preprocessor_config.json, open_clip_config.json.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base.h"
#include "core/files/weights.h"

namespace fu {

/// Mean and standard deviation of red, green and blue, a channel's range being 1.
struct Normalization {
  std::array<double, 3> mean, deviation;
};
constexpr Normalization kImageNet{{.485, .456, .406}, {.229, .224, .225}};
constexpr Normalization kClip{{.48145466, .4578275, .40821073}, {.26862954, .26130258, .27577711}};
constexpr Normalization kHalf{{.5, .5, .5}, {.5, .5, .5}};
constexpr Normalization kSat493m{{.430, .411, .296}, {.213, .156, .143}};  // DINOv3 of satellite images

/// A statement, and the name of the file that makes it.
template <class T>
struct Stated {
  T value{};
  std::string source;
};

/// Only what the files state is set.
struct ModelConfig {
  std::string model_type;    // of Hugging Face: "dinov2_with_registers"
  std::string architecture;  // of timm: "vit_small_patch16_224"
  std::optional<Stated<Index>> width, heads;
  std::optional<Stated<Index>> text_heads;  // of the text encoder beside it
  std::optional<Stated<double>> norm_eps;
  std::optional<Stated<double>> rope_theta;
  std::optional<Stated<std::string>> activation;  // "gelu", "quick_gelu", "gelu_pytorch_tanh", "silu", ...
  std::optional<Stated<Normalization>> normalization;
  std::optional<Stated<std::string>> positions;  // BackboneOptions::positions
  std::vector<std::string> labels;               // names of the classifier's classes, by number (id2label)
};

/// Reads the files in a folder; those that are not there say nothing. throws FileError for one that is no JSON, or
/// that says something impossible, such as 0 heads.
ModelConfig read_model_config(const std::string& folder);
/// The same of the folder of weights. Converted weights carry the files, and what else was known of the original, in
/// their metadata: then only that is read.
ModelConfig read_model_config(const Weights& weights);

/// Metadata by which converted weights carry `settings`, as "heads=12 activation=erf", and the files in the folder,
/// which may be empty: then none.
std::map<std::string, std::string> carried_config(const std::string& folder, const std::string& settings);

}  // namespace fu
