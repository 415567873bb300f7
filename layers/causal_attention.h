// Attention in which a token sees itself and the tokens before it, for text.
#pragma once

#include <cmath>

#include "layers/module.h"

namespace fu {

/// What is added to scores (1,1,N,N): 0 where the column is not behind the row, else so much that softmax gives 0.
inline Tensor causal_mask(Index n) {
  Tensor mask = Tensor::zeros({1, 1, n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = i + 1; j < n; ++j) mask.data()[i * n + j] = real(-1e9);
  return mask;
}

/// qkv (B,N,3C), as attention() takes it  ->  (B,N,C). Scores are kept: memory N^2 a head, for texts of some dozens of
/// tokens. C is a multiple of the heads. source: arXiv 1706.03762
template <class X>
X causal_attention(const X& qkv, Index heads) {
  const Index b = qkv.dim(0), n = qkv.dim(1), c = qkv.dim(2) / 3, d = c / heads;
  const auto part = [&](Index i, const Shape& order) {
    return permute(reshape(slice(qkv, 2, i * c, (i + 1) * c), {b, n, heads, d}), order);
  };
  const real scale = static_cast<real>(1 / std::sqrt(static_cast<double>(d)));
  const X scores = unary(Unary::affine, matmul(part(0, {0, 2, 1, 3}), part(1, {0, 2, 3, 1})), scale);
  const X weights = softmax(scores + X(causal_mask(n)), 3);
  return reshape(permute(matmul(weights, part(2, {0, 2, 1, 3})), {0, 2, 1, 3}), {b, n, c});
}

}  // namespace fu
