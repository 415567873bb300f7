// Repeating along axes, and the sum that undoes it in a backward pass.
#pragma once

#include "core/tensor.h"

namespace fu {

/// x repeated along axes where it has size 1, or which it lacks in front. throws ShapeError if it cannot become that
/// shape.
Tensor expand(const Tensor& x, const Shape& shape);

/// x summed over the axes along which `shape` would be repeated to become x's: the gradient of expand. throws
/// ShapeError if x has fewer axes than `shape`, or other sizes.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace fu
