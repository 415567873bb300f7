// What tests of ResNet and ConvNeXt share.
#pragma once

#include <map>
#include <string>

#include "core/files/weights.h"
#include "featup/backbones/backbone.h"
#include "featup/backbones/tensor_shapes.h"
#include "tests/support.h"

namespace fu::test {

inline TensorShapes shapes_of(const Weights& weights) {
  return {weights.path(), [&](const std::string& name) { return weights.has(name); },
          [&](const std::string& name) { return weights.shape(name); }};
}

/// Features of a file's backbone against a map (h,w,C) of a file beside it, for its image (1,3,H,W).
inline double feature_error(const std::string& weights, const BackboneOptions& options, const std::string& expected,
                            const std::string& name) {
  const Weights file(expected);
  const Tensor y = file.read(name), image = file.read("image").permute({0, 2, 3, 1});
  return relative_error(open_backbone(weights, options)->features(image), y.reshape({1, y.dim(0), y.dim(1), y.dim(2)}));
}

inline BackboneOptions feature_of(const std::string& feature, Index layer = 0) {
  BackboneOptions options;
  options.feature = feature;
  options.layer = layer;
  return options;
}

/// All tensors of a file.
inline std::map<std::string, Tensor> tensors_of(const Weights& weights) {
  std::map<std::string, Tensor> all;
  for (const auto& [name, entry] : weights.entries())
    if (entry.type == DType::f32) all[name] = weights.read(name);
  return all;
}

/// Replaces each `from` in a text.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace fu::test
