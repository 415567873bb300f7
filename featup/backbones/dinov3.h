// What all files of DINOv3 transformers have in common, whatever their names.
#pragma once

#include "featup/backbones/vit_backbone.h"

namespace fu {

/// All but the rules.
VitFamily dinov3_family(const BackboneFile& file);

}  // namespace fu
