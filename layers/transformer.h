// The transformer block of vision transformers, and its parts.
#pragma once

#include <memory>

#include "layers/causal_attention.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace fu {

/// Sizes and form of an Mlp.
struct MlpOptions {
  Index in = 0, hidden = 0, out = 0;  // channels before, between and behind the two layers
  Activation activation = Activation::gelu;
  /// Two layers side by side, one of them through SiLU, are multiplied: SwiGLU. source: arXiv 2002.05202
  bool gated = false;
  bool bias = true;
};

/// fc2(activation(fc1(x))), or gated: fc2(silu(gate(x)) * fc1(x)). Parameters: fc1, fc2; gated: w1 (the gate), w2
/// (fc1), w3 (fc2).
class Mlp : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded.
  Mlp(const MlpOptions& options, Random* random);
  /// x (..,in) -> (..,out). throws ShapeError.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return fc2(hidden(x));
  }
  /// Without the last layer.
  template <class X>
  X hidden(const X& x) const {
    return gate ? (*gate)(x, Activation::silu) * fc1(x) : fc1(x, activation_);
  }
  /// For inference: packs the weights, those of the last layer multiplied by `scale` (out) where it is given.
  void pack(const Tensor& scale = Tensor());

  std::unique_ptr<Linear> gate;
  Linear fc1, fc2;

 private:
  Activation activation_;
};

/// Self-attention among tokens (B,N,C) -> (B,N,C). Parameters: qkv (3C,C), proj (C,C). source: arXiv 1706.03762
/// @code
/// Random random(1);
/// const MultiHeadAttention layer(16, 4, &random);         // 16 channels, 4 heads
/// const Tensor y = layer(random.normal({2, 10, 16}));     // 2 sequences of 10 tokens
/// assert(y.shape() == Shape({2, 10, 16}));
/// @endcode
class MultiHeadAttention : public Module {
 public:
  /// causal: a token sees itself and the tokens before it. Without `random`, values are undefined until they are
  /// loaded.
  MultiHeadAttention(Index dim, Index heads, Random* random, bool qkv_bias = true, bool proj_bias = true,
                     bool causal = false);
  /// throws ShapeError unless C is what it was made for, and a multiple of the heads.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return proj(mix(x));
  }
  /// Queries, keys and values (B,N,3C), as attention takes them: with angles, queries and keys are rotated.
  template <class X>
  X projections(const X& x, const RotaryAngles* angles = nullptr) const {
    const X all = qkv(x);
    return angles ? rotary_embedding(all, *angles, 2 * heads_) : all;
  }
  /// Without the last projection.
  template <class X>
  X mix(const X& x, const RotaryAngles* angles = nullptr) const {
    return causal_ ? causal_attention(projections(x, angles), heads_) : attention(projections(x, angles), heads_);
  }

  Linear qkv, proj;

 private:
  Index heads_;
  bool causal_;
};

/// A scale of a branch, channel by channel. Parameter: gamma (C). source: arXiv 2103.17239
class LayerScale : public Module {
 public:
  /// gamma 1 in all channels.
  explicit LayerScale(Index dim) : gamma(Tensor::full({dim}, 1)) { add("gamma", gamma); }
  /// x (..,C) -> the same. throws ShapeError.
  template <class X>
  X operator()(const X& x) const {
    const NameScope scope(registered_name());
    return x * as<X>(gamma);
  }

  Parameter gamma;
};

/// Sizes and form of a TransformerBlock.
struct TransformerBlockOptions {
  Index dim = 0, heads = 0, mlp_hidden = 0;  // channels, heads of attention, hidden channels of the MLP
  Activation activation = Activation::gelu;
  bool gated_mlp = false, qkv_bias = true, proj_bias = true, mlp_bias = true, layer_scale = false, causal = false;
  real norm_eps = real(1e-6);
};

/// x + attention(norm1(x)), then x + mlp(norm2(x)), each branch scaled where there is a LayerScale. Parameters: norm1,
/// attn, norm2, mlp, and ls1, ls2.
/// @code
/// TransformerBlockOptions options;
/// options.dim = 16, options.heads = 4, options.mlp_hidden = 64;
/// Random random(1);
/// const TransformerBlock block(options, &random);
/// assert(block(random.normal({1, 10, 16})).shape() == Shape({1, 10, 16}));
/// @endcode
class TransformerBlock : public Module {
 public:
  /// Without `random`, values are undefined until they are loaded.
  TransformerBlock(const TransformerBlockOptions& options, Random* random);
  /// x (B,N,C) -> (B,N,C). angles (N, head size / 2): of the rotary position embedding, if there is one. Takes x by
  /// value: a packed block writes the result into its memory.
  template <class X>
  X operator()(X x, const RotaryAngles* angles = nullptr) const;
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
X TransformerBlock::operator()(X x, const RotaryAngles* angles) const {
  const NameScope scope(registered_name());
  {
    const X normal = norm1(x);
    const NameScope branch(attn.registered_name());
    const X mixed = attn.mix(normal, angles);
    x = ls1 && !packed_ ? x + (*ls1)(attn.proj(mixed)) : attn.proj.add_to(std::move(x), mixed);
  }
  const X normal = norm2(x);
  const NameScope branch(mlp.registered_name());
  const X hidden = mlp.hidden(normal);
  return ls2 && !packed_ ? x + (*ls2)(mlp.fc2(hidden)) : mlp.fc2.add_to(std::move(x), hidden);
}

}  // namespace fu
