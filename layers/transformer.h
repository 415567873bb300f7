// The transformer block of DINO, DeiT and DINOv2, and its parts.
#pragma once

#include <memory>

#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Two linear layers with GELU in between. Parameters: fc1, fc2.
class Mlp : public Layer {
 public:
  Mlp(Index in, Index hidden, Index out, Random* random);
  Var operator()(const Var& x) const override { return fc2(fc1(x, Activation::gelu)); }

  Linear fc1, fc2;
};

/// Self-attention among tokens (B,N,C) -> (B,N,C). Parameters: qkv (3C,C), proj (C,C).
class MultiHeadAttention : public Layer {
 public:
  MultiHeadAttention(Index dim, Index heads, Random* random, bool qkv_bias = true);
  Var operator()(const Var& x) const override { return proj(mix(x)); }
  /// Before the last projection.
  Var mix(const Var& x) const { return attention(qkv(x), heads_); }

  Linear qkv, proj;

 private:
  Index heads_;
};

/// DINOv2's scale of a branch, channel by channel. Parameter: gamma (C).
class LayerScale : public Layer {
 public:
  explicit LayerScale(Index dim) : gamma(Tensor::full({dim}, 1)) { add("gamma", gamma); }
  Var operator()(const Var& x) const override { return x * Var(gamma); }

  Parameter gamma;
};

struct TransformerBlockOptions {
  Index dim = 0, heads = 0, mlp_hidden = 0;
  bool qkv_bias = true, layer_scale = false;
  real norm_eps = real(1e-6);
};

/// x + attention(norm1(x)), then x + mlp(norm2(x)), each branch scaled where there is a LayerScale. Parameters: norm1,
/// attn, norm2, mlp, and ls1, ls2.
class TransformerBlock : public Module {
 public:
  TransformerBlock(const TransformerBlockOptions& options, Random* random);
  /// Takes x, so that in inference its memory is used for the result.
  Var operator()(Var x) const;
  /// For inference: packs the weights, layer scales included.
  void pack();

  LayerNorm norm1;
  MultiHeadAttention attn;
  LayerNorm norm2;
  Mlp mlp;
  std::unique_ptr<LayerScale> ls1, ls2;

 private:
  bool packed_ = false;  // layer scales are in the weights
};

}  // namespace fu
