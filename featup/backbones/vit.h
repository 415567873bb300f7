// The vision transformers of DINO, DINOv2 and DeiT, from their published tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "layers/conv2d.h"
#include "layers/transformer.h"

namespace fu {

/// The patch tokens of the last block, normalised, or the keys of that block.
enum class VitFeature { token, key };

/// Sizes, as the shapes of a file's tensors tell them. The head size is 64 in all of these families.
struct VitConfig {
  Index patch = 0;  // side, pixels
  Index dim = 0, depth = 0, heads = 0, mlp_hidden = 0;
  Index grid = 0;       // side of the grid of position embeddings, patches
  Index prefix = 1;     // tokens with a position in front of the patches: cls, and DeiT's distillation token
  Index registers = 0;  // tokens without a position, behind those
  bool layer_scale = false, qkv_bias = true;
};

/// Parameters: patch_embed.proj, cls_token, dist_token, register_tokens, pos_embed, blocks.N, norm.
class Vit : public Module {
 public:
  /// A new one. Without `random`, its values are undefined until it is loaded.
  Vit(const VitConfig& config, Random* random);
  /// For inference: loads `prefix` + "patch_embed.proj.weight" and so on, and packs the weights. Throws FileError
  /// naming the tensor that is missing or of the wrong shape.
  Vit(const Weights& weights, const std::string& prefix);
  /// What stands before all tensors' names in a file ("", "model.0.model.", "module.backbone.", ...): the shortest such
  /// prefix. Returns false if the file holds no transformer of these names.
  static bool find_prefix(const Weights& weights, std::string& prefix);
  /// throws FileError naming the tensor that is missing or of the wrong shape.
  static VitConfig read_config(const Weights& weights, const std::string& prefix);

  const VitConfig& config() const { return config_; }

  /// image (B,H,W,3), normalised, H and W multiples of the patch  ->  (B,H/patch,W/patch,dim). Position embeddings are
  /// resized to any grid. X is Tensor for inference, or Var for training: a program that uses one of them links only
  /// that one (vit_inference.cpp, vit_training.cpp).
  /// cost: about 24 N dim^2 + 4 N^2 dim flops a block, for N tokens; memory linear in N. throws ShapeError.
  template <class X>
  X features(const X& image, VitFeature feature = VitFeature::token, const Progress& progress = {}) const;

 private:
  template <class X>
  X positions(Index rows, Index cols) const;
  template <class X>
  X embed(const X& image) const;

  VitConfig config_;
  struct PatchEmbed : Module {
    Conv2d proj;
    PatchEmbed(const VitConfig& config, Random* random);
  } patch_embed_;
  Parameter cls_token_, dist_token_, register_tokens_,
      pos_embed_;  // (1,1,dim), (1,1,dim), (1,R,dim), (1,prefix + grid^2,dim)
  struct Blocks : Module {
    std::vector<std::unique_ptr<TransformerBlock>> list;
    Blocks(const VitConfig& config, Random* random);
  } blocks_;
  LayerNorm norm_;
};

}  // namespace fu
