// Stand-ins for published files of weights: the same names and shapes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace fu::test {

using Shapes = std::map<std::string, Shape>;

/// A transformer's sizes; names decide the rest.
struct VitSizes {
  Index dim = 384, depth = 12, patch = 16, grid = 14;
  Index registers = 0, hidden = 0;  // hidden 0: 4 dim
  Index mlp() const { return hidden > 0 ? hidden : 4 * dim; }
};

/// DINO's and DeiT's own code and timm: positions for cls and patches.
Shapes original_vit(const VitSizes& sizes);
/// DINOv2's own code: layer scale, mask_token, register_tokens.
Shapes original_dinov2(const VitSizes& sizes);
/// DINOv3's own code, plain MLPs.
Shapes original_dinov3(const VitSizes& sizes);
/// transformers: ViT, DINO, DeiT.
Shapes hf_vit(const VitSizes& sizes);
Shapes hf_dinov2(const VitSizes& sizes);
Shapes hf_dinov3(const VitSizes& sizes);
/// The image encoder of OpenAI's and OpenCLIP's files, with some of the text encoder's tensors beside it.
Shapes openai_clip(const VitSizes& sizes, Index projection);
Shapes hf_clip(const VitSizes& sizes, Index projection);
Shapes hf_siglip(const VitSizes& sizes);

/// torchvision's ResNet of bottleneck blocks, for a first layer of `width` channels inside of its blocks.
Shapes resnet(Index width, const std::vector<Index>& blocks);
/// ConvNeXt's own code, and DINOv3's.
Shapes original_convnext(Index width, const std::vector<Index>& blocks);

/// The same tensors under names that begin with `prefix`.
Shapes under(const std::string& prefix, const Shapes& shapes);

/// Writes a .safetensors file of random numbers, or one of zeros (f32) that takes no space on the disk.
void write_random(const std::string& path, const Shapes& shapes, real largest = real(0.1));
void write_zeros(const std::string& path, const Shapes& shapes);

}  // namespace fu::test
