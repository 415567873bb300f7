// Sizes of a ConvNeXt, from the names and shapes of its tensors.
#include "featup/backbones/convnext.h"

namespace fu {

ConvNextConfig read_convnext_config(const TensorShapes& tensors, int last, bool final_norm) {
  ConvNextConfig c;
  c.final_norm = final_norm && last == 4;
  for (int s = 0; s < last; ++s) {
    const std::string stage = "stages." + std::to_string(s) + ".";
    ConvNextConfig::Stage sizes;
    while (sizes.blocks <= 200 && tensors.has(stage + std::to_string(sizes.blocks) + ".dwconv.weight")) ++sizes.blocks;
    require<FileError>(sizes.blocks > 0, tensors.path, ": has no tensor '", stage,
                       "0.dwconv.weight': not a ConvNeXt with ", last, " stages.");
    const Shape weight = tensors.shape(stage + "0.pwconv1.weight");
    require<FileError>(weight.rank() >= 2 && weight[0] >= 1 && weight[1] >= 1, tensors.path, ": tensor '", stage,
                       "0.pwconv1.weight' has shape ", weight, ", expected (hidden,channels).");
    sizes.hidden = weight[0], sizes.channels = weight[1];
    c.stages.push_back(sizes);
  }
  return c;
}

}  // namespace fu
