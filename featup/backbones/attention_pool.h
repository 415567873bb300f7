// SigLIP's head: one learned query looks at all tokens, and gives the vector that texts are compared with.
#pragma once

#include <cmath>

#include "layers/transformer.h"

namespace fu {

/// Parameters: probe (1,1,dim), attn, norm, mlp. source: arXiv 2303.15343
class AttentionPool : public Module {
 public:
  AttentionPool(Index dim, Index heads, Index hidden, Activation activation, real eps, Random* random);
  void pack();

  /// tokens (B,N,dim) -> (B,1,dim)
  template <class X>
  X pooled(const X& tokens) const;
  /// The same head on every token alone, as if the query looked at nothing else: (B,N,dim). MaskCLIP's idea for SigLIP.
  template <class X>
  X value_path(const X& tokens) const {
    return finished(attn_.proj(slice(attn_.projections(tokens), 2, 2 * dim_, 3 * dim_)));
  }

 private:
  template <class X>
  X finished(const X& y) const {
    return y + mlp_(norm_(y));
  }

  Index dim_, heads_;
  Parameter probe_;
  MultiHeadAttention attn_;
  LayerNorm norm_;
  Mlp mlp_;
};

template <class X>
X AttentionPool::pooled(const X& tokens) const {
  const Index b = tokens.dim(0), n = tokens.dim(1), d = dim_ / heads_;
  const X with_probe = concat(std::initializer_list<X>{expand(as<X>(probe_), {b, 1, dim_}), tokens}, 1);
  const X all = attn_.projections(with_probe);
  const X query = reshape(slice(slice(all, 1, 0, 1), 2, 0, dim_), {b, heads_, 1, d});
  const X of_tokens = slice(all, 1, 1, n + 1);
  const X keys = permute(reshape(slice(of_tokens, 2, dim_, 2 * dim_), {b, n, heads_, d}), {0, 2, 3, 1});
  const X values = permute(reshape(slice(of_tokens, 2, 2 * dim_, 3 * dim_), {b, n, heads_, d}), {0, 2, 1, 3});
  const real scale = static_cast<real>(1 / std::sqrt(static_cast<double>(d)));
  const X weights = softmax(unary(Unary::affine, matmul(query, keys), scale), 3);  // (B,heads,1,N)
  return finished(attn_.proj(reshape(matmul(weights, values), {b, 1, dim_})));
}

}  // namespace fu
