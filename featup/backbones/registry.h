// The families of backbones that can be opened: one file each, family_NAME.cpp, and one line each in families.def.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/backbones/backbone.h"

namespace fu {

/// Networks whose files name their tensors alike.
struct BackboneFamily {
  std::string name;                   // as in families.def
  std::string summary;                // for help: "a small transformer inside the program", "DINO, DINOv2 or DeiT"
  std::vector<std::string> features;  // what BackboneOptions::feature may be, the usual one first

  /// For weights that the library carries: reads them. Such a family is opened by its name. Null for families of files.
  Weights (*carried)() = nullptr;
  /// Whether the file holds tensors of this family. If so, `prefix` becomes what stands before all their names: "",
  /// "model.0.model.", "module.backbone.". Reads no tensor.
  bool (*recognise)(const Weights& weights, std::string& prefix) = nullptr;
  /// throws FileError naming a tensor that is missing, or that is of the wrong shape.
  std::unique_ptr<Backbone> (*open)(const Weights& weights, const std::string& prefix,
                                    const BackboneOptions& options) = nullptr;
};

/// All of them, in the order of families.def.
const std::vector<BackboneFamily>& backbone_families();

/// What may be given as a backbone, for help and errors: "builtin (a small transformer inside the program), or a file
/// of DINO, DINOv2 or DeiT weights".
std::string backbone_choices();

/// Names that need no file, for completion: "builtin".
std::vector<std::string> backbone_names();

/// The first family that recognises the file, and the prefix of its tensors' names; null if none does.
const BackboneFamily* recognise_backbone(const Weights& weights, std::string& prefix);

/// One entry for families.def: what every family file defines.
#define FU_BACKBONE_FAMILY(name) BackboneFamily backbone_family_##name();
#include "featup/backbones/families.def"
#undef FU_BACKBONE_FAMILY

}  // namespace fu
