// The small transformer that the library carries.
#include "featup/backbones/original_names.h"
#include "featup/backbones/vit_backbone.h"
#include "featup/builtin/builtin.h"

namespace fu {

namespace {

VitFamily family_of_builtin(const BackboneFile&) {
  VitFamily family;
  family.title = "built-in transformer (distilled from DeiT-Tiny)";
  family.rules = original_names();
  family.positions = {PositionRule::dino, "as it was trained"};
  family.normalization = {kImageNet, "as it was trained"};
  return family;
}

}  // namespace

BackboneFamily backbone_family_builtin() {
  BackboneFamily family = vit_family<family_of_builtin>("builtin", "a small transformer inside the program", nullptr);
  family.carried = builtin_backbone;
  return family;
}

}  // namespace fu
