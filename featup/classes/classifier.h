// The classifier that a file of weights has behind its backbone: which classes a photo shows, and where.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/backbones/backbone.h"
#include "featup/classes/classes.h"

namespace fu {

/// A network with its classifier: DeiT, ViT (timm's and Hugging Face's names), ResNet, ConvNeXt.
///
/// Class activation maps. A ResNet's classifier is linear in the mean of the last map's pixels, so its logit is the
/// mean of a map of logits, which is taken (source: arXiv 1512.04150). A ConvNeXt has a norm in between; each pixel
/// goes through it. A transformer's classifier reads the class token, which takes from every patch its value in the
/// last block: the map is the classifier's answer to each patch's value path (feature "value-path"). The patches' own
/// tokens were never trained to be read by it.
class Classifier {
 public:
  /// throws FileError if the file has no classifier, or one that does not fit its features; UsageError as
  /// open_backbone(), or if `options` ask for another feature than "auto".
  Classifier(const std::string& path, const BackboneOptions& options);

  /// Whose features classes() is for.
  const std::shared_ptr<const Backbone>& backbone() const { return map_; }
  /// All its classes, as activation maps. Named by the config.json beside the weights, else by their numbers from 0.
  const Classes& classes() const { return classes_; }
  /// What it says of whole images: image (B,H,W,3), as for Backbone::features -> (B,K) logits. Of a transformer and a
  /// ConvNeXt, the first call opens the network a second time. Not for several threads at a time.
  Tensor logits(const Tensor& image) const;

 private:
  Classes classes_;
  std::string path_;
  BackboneOptions options_;
  bool averages_ = false;  // the whole image's vector is the mean of the map
  std::shared_ptr<const Backbone> map_;
  mutable std::unique_ptr<Backbone> vector_;  // of the whole image: opened when it is asked for first
};

/// Whether the file has a classifier behind a backbone that can be opened. Reads no tensor.
bool has_classifier(const Weights& weights);

/// The chosen ones of some classes, in this order. throws UsageError for a number that is none of them.
Classes chosen_classes(const Classes& all, const std::vector<Index>& numbers);

}  // namespace fu
