// How a backbone is run where its tensors leave it open, and where each answer comes from: an option, a file beside the
// weights, or what is usual in its family.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/backbones/backbone.h"
#include "featup/backbones/model_config.h"
#include "featup/backbones/named_tensors.h"

namespace fu {

/// A backbone in words.
struct BackboneSummary {
  std::string text;
  std::vector<BackboneSetting> settings;
  std::string prefix = {};                    // of its tensors' names in the file
  std::set<std::string> narrow_tensors = {};  // names in the file of those that may be kept in 16 or 8 bits
};

/// What BackboneOptions::precision asks for; none for "auto".
std::optional<NarrowType> wanted_precision(const BackboneOptions& options);
/// Adds to a summary what may be narrow, and, where something is, its type and why.
void say_precision(const NamedTensors& tensors, const BackboneOptions& options, BackboneSummary& summary);

/// A file of weights with what is known of it before any tensor is read.
struct BackboneFile {
  Weights weights;
  std::string prefix;  // of the tensors' names
  ModelConfig config;  // of the files beside it

  /// Whether it is a checkpoint of FeatUp's own training, which normalises all photos as ImageNet's are.
  bool of_featup() const;
  /// For messages and describe(): the last part of the path.
  std::string name() const;
};

/// Three numbers separated by commas. throws UsageError naming the field.
std::array<double, 3> parse_triple(const std::string& field, const std::string& text, bool positive);

/// By the options, else by the files, else `usual`, which is `because`. Adds "mean" and "std" to `settings`. throws
/// UsageError if only one of both is given.
Normalization choose_normalization(const BackboneFile& file, const BackboneOptions& options, const Normalization& usual,
                                   const std::string& because, std::vector<BackboneSetting>& settings);

/// An image that is normalised by ImageNet's numbers (B,H,W,3), normalised by others instead.
Tensor renormalized(const Tensor& image, const Normalization& wanted);

/// Checks what config.json says of the width. A config.json that lies beside a single file may be another model's: then
/// it is forgotten. throws FileError for one in the model's own folder.
void check_width(BackboneFile& file, Index width);

}  // namespace fu
