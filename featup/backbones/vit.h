// The vision transformer: one network with switches for all families of transformers in this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "featup/backbones/attention_pool.h"
#include "layers/conv2d.h"
#include "layers/transformer.h"

namespace fu {

/// What a transformer gives. The numbers of blocks count from 1; "block N" below is VitConfig::depth, or the one asked
/// for.
///   token      the patches' tokens behind block N, through the final norm                         (B,h,w,dim)
///   key, query, value   of block N, before any rotation, channels interleaved as (head size, heads)  (B,h,w,dim)
///   clip       token, then the projection to the space that images and texts share        (B,h,w,projection)
///   maskclip   the value path of block N instead of its attention: values and output projection of the normalised
///              tokens, no residual, no MLP; then the final norm and the projection        (B,h,w,projection)
///              SigLIP: the value path of its head, on the tokens behind block N          (B,h,w,dim)
///   value_path  as maskclip without the projection: what a patch would give to the class token that attends to it
///              alone; a classifier behind the class token reads it               (B,h,w,dim)
///   image      the vector of the whole image that is compared with texts. CLIP: the class token through the final norm
///              and the projection (B,1,1,projection); SigLIP: its head                  (B,1,1,dim)
///   cls        the class token behind block N, through the final norm                            (B,1,1,dim)
///   attention  the weights of block N's attention from the class token to the patches            (B,h,w,heads)
enum class VitFeature { token, key, query, value, maskclip, value_path, clip, image, cls, attention };

/// How position embeddings are resized to another grid: all bicubic, half-pixel centres, border clamped.
///   dino  source = (i + 1/2) G / (n + 0.1) - 1/2, a = -3/4       (DINO's and DINOv2's own code)
///   size  source = (i + 1/2) G / n - 1/2, a = -3/4               (PyTorch's interpolate to a size)
///   aa    as size, antialiased: a = -1/2, wider where it shrinks (timm, DINOv2 with registers)
enum class PositionRule { dino, size, aa };

/// The switches.
struct VitConfig {
  Index patch = 0;  // side, pixels
  Index dim = 0, depth = 0, heads = 0, mlp_hidden = 0;
  Index grid = 0;              // side of the grid of position embeddings, patches; 0: there are none
  Index prefix = 1;            // tokens in front of the patches: cls, then DeiT's distillation token
  Index prefix_positions = 1;  // how many of them have a position: all, or none
  Index registers = 0;         // tokens without a position, between those and the patches
  Activation activation = Activation::gelu;
  real norm_eps = real(1e-6);
  bool patch_bias = true, qkv_bias = true, proj_bias = true, mlp_bias = true, layer_scale = false, gated_mlp = false;
  bool pre_norm = false;  // CLIP: a norm of the tokens before the first block
  bool rotary = false;    // DINOv3: queries and keys of patches are rotated by their places
  PositionRule positions = PositionRule::dino;
  Index projection = 0;   // channels of CLIP's projection; 0: there is none
  Index pool_hidden = 0;  // width of the MLP in SigLIP's head; 0: there is none
};

/// Parameters: patch_embed.proj, cls_token, dist_token, register_tokens, pos_embed, norm_pre, rope_embed.periods,
/// blocks.N, norm, projection, pool.
class Vit : public Module {
 public:
  /// A new one. Without `random`, its values are undefined until it is loaded.
  Vit(const VitConfig& config, Random* random);
  /// For inference: packs all weights.
  void pack();
  /// In training, each block is a checkpoint (autograd/checkpoint.h): tokens between blocks are kept, and what lies
  /// inside is computed again during backward. The same bits, less memory, more time; layers/README.md has numbers.
  void set_checkpoints(bool on) { checkpoints_ = on; }

  const VitConfig& config() const { return config_; }

  /// image (B,H,W,3), normalised, H and W multiples of the patch  ->  see VitFeature; h, w = H/patch, W/patch.
  /// layer: the block, from 1; 0 is the last one. X is Tensor for inference, or Var for training: a program that uses
  /// one of them links only that one (vit_inference.cpp, vit_training.cpp).
  /// cost: about 24 N dim^2 + 4 N^2 dim flops a block, for N tokens; memory linear in N. throws ShapeError; UsageError
  /// for a block or an output that it does not have.
  template <class X>
  X features(const X& image, VitFeature feature = VitFeature::token, Index layer = 0,
             const Progress& progress = {}) const;
  /// All tokens behind the first `blocks` blocks, without the final norm: (B, prefix + registers + h*w, dim).
  template <class X>
  X tokens(const X& image, Index blocks, const Progress& progress = {}) const;
  /// The final norm of tokens (B,N,dim).
  template <class X>
  X final_norm(const X& tokens) const {
    return norm_(tokens);
  }

 private:
  template <class X>
  X positions(Index rows, Index cols) const;
  template <class X>
  X embed(const X& image) const;
  template <class X>
  X facet(const X& x, const TransformerBlock& block, Index part, Index rows, Index cols) const;
  template <class X>
  X attention_from_class(const X& x, const TransformerBlock& block, Index rows, Index cols) const;
  /// Of all tokens in front of the patches and of the patches: (N, head size / 2).
  RotaryAngles angles(Index rows, Index cols) const;
  Index tokens_before_patches() const { return config_.prefix + config_.registers; }

  /// One block. angles: null without rotation.
  template <class X>
  X run(const TransformerBlock& block, X x, const RotaryAngles* angles) const;

  VitConfig config_;
  bool checkpoints_ = false;
  struct PatchEmbed : Module {
    Conv2d proj;
    PatchEmbed(const VitConfig& config, Random* random);
  } patch_embed_;
  // (1,1,dim), (1,1,dim), (1,R,dim), (1, prefix_positions + grid^2, dim)
  Parameter cls_token_, dist_token_, register_tokens_, pos_embed_;
  struct RopeEmbed : Module {
    Parameter periods;  // (head size / 4), in units of half the image's side
    explicit RopeEmbed(const VitConfig& config);
  };
  std::unique_ptr<RopeEmbed> rope_embed_;
  std::unique_ptr<LayerNorm> norm_pre_;
  struct Blocks : Module {
    std::vector<std::unique_ptr<TransformerBlock>> list;
    Blocks(const VitConfig& config, Random* random);
  } blocks_;
  LayerNorm norm_;
  std::unique_ptr<Linear> projection_;
  std::unique_ptr<AttentionPool> pool_;
};

/// Periods of the rotary embedding of heads of `head_dim` channels: 100^(2k / (head_dim / 2)), k from 0 to head_dim / 4
/// - 1.  source: arXiv 2508.10104
Tensor rope_periods(Index head_dim, double theta = 100);

}  // namespace fu
