#include "featup/classes/classifier.h"

#include <algorithm>

#include "core/ops.h"
#include "featup/backbones/model_config.h"
#include "featup/backbones/registry.h"

namespace fu {

namespace {

/// A linear layer in a file, or two whose answers are averaged (DeiT's, of the class and the distillation token).
struct Layer {
  std::string name, second;  // before ".weight"
};

/// Names of classifiers behind the backbone whose tensors begin with `prefix`; an empty name if there is none.
Layer find_layer(const Weights& w, const std::string& prefix) {
  const auto is_layer = [&w](const std::string& name) {
    return !name.empty() && w.has(name + ".weight") && w.has(name + ".bias") && w.shape(name + ".weight").rank() == 2;
  };
  // Of a timm CLIP, "head" is the projection to the space of texts, whose offset is zero: the family's file tells.
  const bool clip = w.has(prefix + "norm_pre.weight");
  for (const Layer& layer : {Layer{"head", "head_dist"}, Layer{"cls_classifier", "distillation_classifier"},
                             Layer{"classifier", ""}, Layer{"classifier.1", ""}, Layer{"head.fc", ""}, Layer{"fc", ""}})
    for (const std::string& before : {prefix, std::string()}) {
      const std::string name = before + layer.name, second = layer.second.empty() ? "" : before + layer.second;
      if (!is_layer(name)) continue;
      if (clip && w.shape(name + ".weight")[0] != 1000) continue;
      return {name, is_layer(second) ? second : ""};
    }
  return {};
}

/// Weights (K,C) and offsets (K), of two layers their means.
ChannelMap read_layer(const Weights& w, const Layer& layer, Index channels) {
  const Shape shape = w.shape(layer.name + ".weight");
  require<FileError>(shape[1] == channels && shape[0] >= 1, w.path(), ": the classifier '", layer.name,
                     ".weight' has shape ", shape, ", expected (classes,", channels, ") for the backbone's features.");
  Tensor weight = w.read(layer.name + ".weight", shape), bias = w.read(layer.name + ".bias", {shape[0]});
  if (!layer.second.empty()) {
    weight = unary(Unary::affine, weight + w.read(layer.second + ".weight", shape), real(0.5));
    bias = unary(Unary::affine, bias + w.read(layer.second + ".bias", {shape[0]}), real(0.5));
  }
  return {weight.permute({1, 0}).clone(), bias, true};
}

const BackboneFamily& family_of(const Weights& weights, std::string& prefix) {
  const BackboneFamily* family = recognise_backbone(weights, prefix);
  require<FileError>(family, weights.path(), ": holds no backbone of a known family. Choices are ", backbone_choices(),
                     ".");
  return *family;
}

bool gives(const BackboneFamily& family, const std::string& feature) {
  return std::find(family.features.begin(), family.features.end(), feature) != family.features.end();
}

}  // namespace

bool has_classifier(const Weights& weights) {
  std::string prefix;
  return recognise_backbone(weights, prefix) && !find_layer(weights, prefix).name.empty();
}

Classifier::Classifier(const std::string& path, const BackboneOptions& options) : path_(path), options_(options) {
  require<UsageError>(options.feature == "auto" && options.layer == 0, "[classifier] ", path,
                      ": it decides itself which feature it reads; leave feature and layer out.");
  const Weights weights(path);
  std::string prefix;
  const BackboneFamily& family = family_of(weights, prefix);
  const Layer layer = find_layer(weights, prefix);
  require<FileError>(!layer.name.empty(), path,
                     ": has no classifier: no layer head, classifier or fc with .weight (classes,channels) and .bias.");
  const bool transformer = gives(family, "value-path");
  averages_ = !transformer && !gives(family, "cls");
  BackboneOptions of_map = options;
  of_map.feature = transformer ? "value-path" : "token";
  map_ = open_backbone(path, of_map);
  options_.feature = averages_ ? "token" : "cls";
  classes_.map = read_layer(weights, layer, map_->channels());
  classes_.kind = ScoreKind::activation;
  classes_.source = "classifier " + layer.name + " of " + path;
  const Index k = classes_.map.matrix.dim(1);
  const std::vector<std::string> labels = read_model_config(weights).labels;
  for (Index i = 0; i < k; ++i)
    classes_.names.push_back(static_cast<Index>(labels.size()) == k ? labels[usize(i)] : std::to_string(i));
}

Tensor Classifier::logits(const Tensor& image) const {
  Tensor x;
  if (averages_) {
    const Tensor map = map_->features(image);
    x = mean(map.reshape({map.dim(0), map.dim(1) * map.dim(2), map.dim(3)}), 1);
  } else {
    if (!vector_) vector_ = open_backbone(path_, options_);
    x = vector_->features(image);
  }
  return linear(x.reshape({image.dim(0), classes_.map.matrix.dim(0)}), classes_.map.matrix.permute({1, 0}),
                classes_.map.offset);
}

Classes chosen_classes(const Classes& all, const std::vector<Index>& numbers) {
  Classes chosen = all;
  chosen.names.clear();
  std::vector<Tensor> columns, offsets;
  for (const Index n : numbers) {
    require<UsageError>(n >= 0 && n < all.size(), "[classes] class ", n, ": there are ", all.size(), ", from 0 to ",
                        all.size() - 1, ".");
    const ChannelMap one = columns_of(all.map, n, n + 1);
    columns.push_back(one.matrix);
    if (one.offset.size() > 0) offsets.push_back(one.offset);
    chosen.names.push_back(all.names[usize(n)]);
  }
  require<UsageError>(!columns.empty(), "[classes] no class was chosen. Choose at least one.");
  chosen.map.matrix = concat(columns, 1);
  if (!offsets.empty()) chosen.map.offset = concat(offsets, 0);
  return chosen;
}

}  // namespace fu
