// Sums and means.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Sum or mean over one axis, which stays with size 1. Negative axes count from the end. throws ShapeError if there is
/// no such axis.
Tensor sum(const Tensor& x, int axis);
Tensor mean(const Tensor& x, int axis);

/// Sum or mean of all elements, as a scalar. The mean of an empty tensor is 0.
Tensor sum(const Tensor& x);
Tensor mean(const Tensor& x);

}  // namespace fu
