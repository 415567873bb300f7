// The small transformer that the library carries.
#include "featup/backbones/registry.h"
#include "featup/backbones/vit_backbone.h"
#include "featup/builtin/builtin.h"

namespace fu {

BackboneFamily backbone_family_builtin() {
  BackboneFamily family;
  family.name = "builtin";
  family.summary = "a small transformer inside the program";
  family.features = vit_features();
  family.carried = builtin_backbone;
  family.open = [](const Weights& weights, const std::string& prefix, const BackboneOptions& options) {
    return vit_backbone(weights, prefix, "built-in transformer, distilled from DeiT-Tiny", options);
  };
  return family;
}

}  // namespace fu
