// Chapter 4: layers written as plainly as their derivations. The library's own compute the same.
#pragma once

#include "autograd/ops.h"

namespace fu::book {

/// x (rows, C), weight (C), bias (C)
Var plain_layer_norm(const Var& x, const Var& weight, const Var& bias, real eps);
/// Along the rows of x (rows, n); temperature: one number.
Var plain_softmax(const Var& x, const Var& temperature);
/// Queries, keys and values (N, d) each.
Var plain_attention(const Var& q, const Var& k, const Var& v);
Var plain_gelu(const Var& x);

}  // namespace fu::book
