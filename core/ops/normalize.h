// Softmax and layer normalisation.
#pragma once

#include "core/tensor.h"

namespace fu {

/// y = exp(x / temperature) / sum of the same over an axis; y has x's shape. The maximum is subtracted first, so
/// nothing overflows. throws ShapeError if the temperature is not positive, or there is no such axis.
Tensor softmax(const Tensor& x, int axis, real temperature = 1);

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, mean and (biased) variance being those of the last axis.
///   x (..,C), weight (C), bias (C)  ->  y (..,C)
/// throws ShapeError if they do not fit. source: arXiv 1607.06450
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, real eps);

/// y = x / sqrt(mean of x^2 + eps) * weight, the mean being that of the last axis.
///   x (..,C), weight (C)  ->  y (..,C)
/// throws ShapeError if they do not fit. source: arXiv 1910.07467
Tensor rms_norm(const Tensor& x, const Tensor& weight, real eps);

/// Batch norm in evaluation, along the last axis: y = (x - mean) * (weight / sqrt(variance + eps)) + bias, with given
/// statistics. x (..,C), all others (C). throws ShapeError if they do not fit. source: arXiv 1502.03167
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight, const Tensor& bias,
                  real eps);
/// 1 / sqrt(variance + eps)
Tensor inverse_deviation(const Tensor& variance, real eps);

}  // namespace fu
