// Tensors put together, and parts of them taken out, along an axis.
#pragma once

#include <initializer_list>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Tensors one after another along an axis. throws ShapeError unless all other sizes are equal.
Tensor concat(const std::vector<Tensor>& parts, int axis);
Tensor concat(const Tensor* parts, std::size_t count, int axis);
inline Tensor concat(std::initializer_list<Tensor> parts, int axis) {
  return concat(parts.begin(), parts.size(), axis);
}

/// A copy of positions [begin, end) of an axis. throws ShapeError if they do not lie within it.
Tensor slice(const Tensor& x, int axis, Index begin, Index end);

/// x at positions [begin, begin + its size) of an axis of n, zeros around it: the gradient of slice. throws ShapeError
/// if it does not fit.
Tensor unslice(const Tensor& x, int axis, Index begin, Index n);

}  // namespace fu
