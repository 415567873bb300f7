// The transformer block of DINO, DeiT and DINOv2, and its parts.
#pragma once

#include <memory>

#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Two linear layers with GELU in between. Parameters: fc1, fc2.
class Mlp : public Module {
 public:
  Mlp(Index in, Index hidden, Index out, Random* random);
  template <class X>
  X operator()(const X& x) const {
    return fc2(fc1(x, Activation::gelu));
  }

  Linear fc1, fc2;
};

/// Self-attention among tokens (B,N,C) -> (B,N,C). Parameters: qkv (3C,C), proj (C,C). source: arXiv 1706.03762
class MultiHeadAttention : public Module {
 public:
  MultiHeadAttention(Index dim, Index heads, Random* random, bool qkv_bias = true);
  template <class X>
  X operator()(const X& x) const {
    return proj(mix(x));
  }
  /// Without the last projection.
  template <class X>
  X mix(const X& x) const {
    return attention(qkv(x), heads_);
  }

  Linear qkv, proj;

 private:
  Index heads_;
};

/// DINOv2's scale of a branch, channel by channel. Parameter: gamma (C).
class LayerScale : public Module {
 public:
  explicit LayerScale(Index dim) : gamma(Tensor::full({dim}, 1)) { add("gamma", gamma); }
  template <class X>
  X operator()(const X& x) const {
    return x * as<X>(gamma);
  }

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
  /// x (B,N,C) -> (B,N,C). Takes x by value: a packed block writes the result into its memory.
  template <class X>
  X operator()(X x) const;
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

template <class X>
X TransformerBlock::operator()(X x) const {
  const X mixed = attn.mix(norm1(x));
  x = ls1 && !packed_ ? x + (*ls1)(attn.proj(mixed)) : attn.proj.add_to(std::move(x), mixed);
  const X hidden = mlp.fc1(norm2(x), Activation::gelu);
  return ls2 && !packed_ ? x + (*ls2)(mlp.fc2(hidden)) : mlp.fc2.add_to(std::move(x), hidden);
}

}  // namespace fu
