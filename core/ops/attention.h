// Attention among tokens.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Softmax attention of several heads.
///   qkv (B,N,3C): queries, keys and values of `heads` heads side by side  ->  (B,N,C)
/// Scores are divided by sqrt(C / heads). cost: 2*N*N*C multiply-adds an image; memory: linear in N. throws ShapeError
/// unless C is a multiple of the heads. source: arXiv 1706.03762 eq. 1
Tensor attention(const Tensor& qkv, Index heads);

}  // namespace fu
