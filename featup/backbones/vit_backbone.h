// A vision transformer as a Backbone: what the families of transformers have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/backbones/named_tensors.h"
#include "featup/backbones/registry.h"
#include "featup/backbones/settings.h"
#include "featup/backbones/vit.h"

namespace fu {

/// A value, and why it was taken: "usual for CLIP".
template <class T>
struct Because {
  T value;
  std::string source;
};

/// What a family knows of its transformers. Its own values hold where neither an option nor a file beside the weights
/// says anything else.
struct VitFamily {
  std::string title;  // "DINOv2", "CLIP", or with the word: "small transformer"
  NameRules rules;
  Because<Activation> activation{Activation::gelu, "usual"};
  Because<double> norm_eps{1e-6, "usual"};
  Because<PositionRule> positions{PositionRule::size, "usual"};
  Because<Normalization> normalization{kImageNet, "usual"};
  Index heads = 0;                // 0: by the width
  bool rotary = false;            // places by rotation; else the file must have position embeddings
  bool missing_key_bias = false;  // the bias of the keys is not in the file: it is 0
};

/// BackboneOptions::feature of every transformer, and of those with a projection to the space of texts.
std::vector<std::string> vit_features();
std::vector<std::string> clip_features();

/// Heads of the published models of that width; 0 if none is known. rotary: DINOv3's. source: the models' own code
Index usual_heads(Index width, bool rotary);

/// The transformer's sizes, from the shapes of its tensors. throws FileError.
VitConfig read_vit_sizes(const NamedTensors& tensors, bool rotary);

/// throw FileError, UsageError.
BackboneSummary describe_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options);
std::unique_ptr<Backbone> open_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options);

/// A family of transformers for the registry. Make: what the family knows of the transformer in a file.
template <VitFamily (*Make)(const BackboneFile&)>
BackboneFamily vit_family(const std::string& name, const std::string& summary,
                          bool (*recognise)(const Weights& weights, std::string& prefix)) {
  BackboneFamily family;
  family.name = name, family.summary = summary, family.features = vit_features();
  family.recognise = recognise;
  family.describe = [](const BackboneFile& file, const BackboneOptions& options) {
    return describe_vit(file, Make(file), options);
  };
  family.open = [](const BackboneFile& file, const BackboneOptions& options) {
    return open_vit(file, Make(file), options);
  };
  return family;
}

/// The transformer itself, its weights not packed: for training. throw as above.
std::unique_ptr<Vit> load_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options);

}  // namespace fu
