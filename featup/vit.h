// The vision transformers of DINO, DINOv2 and DeiT, from their published tensors.
#pragma once

#include <string>
#include <vector>

#include "core/files/weights.h"
#include "core/ops.h"
#include "core/progress.h"

namespace fu {

/// What the features are: normalised patch tokens of the last block, or that block's keys.
enum class VitFeature { token, key };

/// Read off the shapes of the tensors; head size is 64 in all of these families.
struct VitConfig {
  Index patch = 0, dim = 0, depth = 0, heads = 0, grid = 0;  // grid: side of the position embedding, in patches
  Index prefix = 1;                                          // tokens with a position before the patches: cls, and DeiT's distillation token
  Index registers = 0;                                       // tokens without a position, behind cls
  bool layer_scale = false;
};

class Vit {
 public:
  /// Loads `prefix` + "patch_embed.proj.weight" and so on. Throws FileError naming the tensor that is missing or of the wrong shape.
  Vit(const Weights& weights, const std::string& prefix);
  /// Where the tensors of a vit begin in a file ("", "model.0.model.", "module.backbone.", ...). Returns false if there is none.
  static bool find_prefix(const Weights& weights, std::string& prefix);

  const VitConfig& config() const { return config_; }

  /// image (B,H,W,3), normalised, H and W multiples of the patch -> (B,H/patch,W/patch,dim). Position embeddings are resized to any
  /// grid. cost: about 24 N dim^2 + 4 N^2 dim flops a block, N tokens; memory linear in N.
  Tensor features(const Tensor& image, VitFeature feature = VitFeature::token, const Progress& progress = {}) const;

 private:
  struct Block {
    Tensor norm1_weight, norm1_bias, norm2_weight, norm2_bias;
    PackedLinear qkv, proj, fc1, fc2;
  };
  Tensor positions(Index rows, Index cols) const;
  Tensor embed(const Tensor& image) const;

  VitConfig config_;
  PackedLinear patch_embed_;
  Tensor prefix_tokens_, registers_, position_;  // (prefix,dim), (registers,dim), (prefix + grid^2, dim)
  std::vector<Block> blocks_;
  Tensor norm_weight_, norm_bias_;
};

}  // namespace fu
