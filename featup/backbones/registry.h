// The families of backbones that can be opened: one file each, family_NAME.cpp, and one line each in families.def.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/backbones/backbone.h"
#include "featup/backbones/settings.h"

namespace fu {

/// Networks whose files name their tensors alike.
struct BackboneFamily {
  std::string name;                   // as in families.def
  std::string summary;                // for help: "a small transformer inside the program", "DINO, DINOv2, DeiT"
  std::vector<std::string> features;  // what BackboneOptions::feature may be, the usual one first

  /// For weights that the library carries: reads them. Such a family is opened by its name. Null for families of files.
  Weights (*carried)() = nullptr;
  /// Whether the file holds tensors of this family. If so, `prefix` becomes what stands before all their names: "",
  /// "model.0.model.", "module.backbone.". Reads no tensor.
  bool (*recognise)(const Weights& weights, std::string& prefix) = nullptr;
  /// What Backbone::describe() and settings() would say, from names and shapes alone. throws as open() does.
  BackboneSummary (*describe)(const BackboneFile& file, const BackboneOptions& options) = nullptr;
  /// throws FileError naming a tensor that is missing, of the wrong shape, or that no layer uses.
  std::unique_ptr<Backbone> (*open)(const BackboneFile& file, const BackboneOptions& options) = nullptr;
};

/// All of them, in the order of families.def.
const std::vector<BackboneFamily>& backbone_families();

/// What may be given as a backbone, for help and errors: "builtin (a small transformer inside the program), or weights
/// of CLIP, DINO, ... or ResNet, as a file or a folder".
std::string backbone_choices();

/// Names that need no file, for completion: "builtin".
std::vector<std::string> backbone_names();

/// The first family that recognises the file, and the prefix of its tensors' names; null if none does. throws FileError
/// for a network that is known, and that no family has.
const BackboneFamily* recognise_backbone(const Weights& weights, std::string& prefix);

/// What open_backbone() would open, without reading its tensors; null if the file holds no backbone. throws as
/// open_backbone() does.
std::unique_ptr<BackboneSummary> describe_backbone(const Weights& weights, const BackboneOptions& options = {});

/// throws FileError if the file is of a network that is known by its tensors, and that this library does not have: EVA,
/// BEiT, SAM and others (other_networks.cpp).
void refuse_other_networks(const Weights& weights);

/// One entry for families.def: what every family file defines.
#define FU_BACKBONE_FAMILY(name) BackboneFamily backbone_family_##name();
#include "featup/backbones/families.def"
#undef FU_BACKBONE_FAMILY

}  // namespace fu
