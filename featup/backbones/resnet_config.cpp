// Sizes of a residual network, from the names and shapes of its tensors.
#include "featup/backbones/resnet.h"

namespace fu {

Index ResNetConfig::stride() const {
  const auto n = static_cast<Index>(layers.size());
  return dilated && n > 2 ? 8 : Index{2} << n;
}

ResNetConfig read_resnet_config(const TensorShapes& tensors, int last, bool dilated) {
  const auto kernel = [&](const std::string& name, Index side) {
    const Shape s = tensors.shape(name);
    require<FileError>(s.rank() == 4 && s[0] >= 1 && s[2] == side && s[3] == side, tensors.path, ": tensor '", name,
                       "' has shape ", s, ", expected (out,in,", side, ",", side, ").");
    return s[0];
  };
  ResNetConfig c;
  c.stem = kernel("conv1.weight", 7);
  c.dilated = dilated;
  c.bottleneck = tensors.has("layer1.0.conv3.weight");
  for (int s = 1; s <= last; ++s) {
    const std::string layer = "layer" + std::to_string(s) + ".";
    ResNetConfig::Layer sizes;
    while (sizes.blocks <= 200 && tensors.has(layer + std::to_string(sizes.blocks) + ".conv1.weight")) ++sizes.blocks;
    require<FileError>(sizes.blocks > 0, tensors.path, ": has no tensor '", layer,
                       "0.conv1.weight': not a ResNet with ", last, " layers.");
    sizes.inner = kernel(layer + "0.conv1.weight", c.bottleneck ? 1 : 3);
    sizes.out = kernel(layer + "0." + (c.bottleneck ? "conv3" : "conv2") + ".weight", c.bottleneck ? 1 : 3);
    c.layers.push_back(sizes);
  }
  return c;
}

}  // namespace fu
