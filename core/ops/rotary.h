// Rotary position embedding.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Cosines and sines of the angles by which rotary_embedding turns: each (N,d/2), for N tokens and heads of d channels.
struct RotaryAngles {
  Tensor cosines, sines;
};

/// Turns pairs of channels by angles that depend on the token, so that the products of queries and keys depend on the
/// distance of their tokens.
///   x (B,N,C), angles (N,d/2)  ->  (B,N,C): the first `heads` slices of d channels rotated, the others as they are.
///   With a and b the halves of a slice: (a cos - b sin, b cos + a sin).
/// cost: 2 multiply-adds a channel. throws ShapeError if the sizes do not fit. source: arXiv 2104.09864
Tensor rotary_embedding(const Tensor& x, const RotaryAngles& angles, Index heads);
/// The same in the other direction: the gradient.
Tensor rotary_embedding_backward(const Tensor& dy, const RotaryAngles& angles, Index heads);

}  // namespace fu
