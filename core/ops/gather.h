// Rows of a tensor by their positions.
#pragma once

#include <memory>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Rows of x (N,..) at the given positions, in their order; a row may be taken often: (n,..). throws ShapeError for a
/// position that x does not have.
Tensor gather(const Tensor& x, const std::shared_ptr<const std::vector<Index>>& rows);

}  // namespace fu
