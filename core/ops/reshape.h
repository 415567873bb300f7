// Tensor's own reshape and permute as functions: code that is written once for tensors and for values on a tape calls
// these, as it calls all other ops.
#pragma once

#include "core/tensor.h"

namespace fu {

/// See Tensor::reshape.
inline Tensor reshape(const Tensor& x, const Shape& shape) { return x.reshape(shape); }
/// See Tensor::permute.
inline Tensor permute(const Tensor& x, const Shape& order) { return x.permute(order); }

}  // namespace fu
