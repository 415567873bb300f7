// Conjugate gradients for many right sides at once.
#pragma once

#include <functional>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Goes `iterations` steps from `start` towards the solution of A x = right, for each channel by itself. A is
/// symmetric, positive, and the same for all channels; the steps are preconditioned by its diagonal.
///   right, start (1,h,w,C); apply: x -> A x; inverse_diagonal: 1 / A[n,n] of the h w positions
/// source: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952)
Tensor conjugate_gradients(const std::function<Tensor(const Tensor&)>& apply, const Tensor& right, const Tensor& start,
                           const std::vector<real>& inverse_diagonal, int iterations);

}  // namespace fu
