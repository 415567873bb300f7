// A backbone as a plain function, for what looks at a photo many times and cares for nothing else of it.
#pragma once

#include <functional>

#include "core/tensor.h"

namespace fu {

/// A normalised image (1,H,W,3) -> its low-resolution features (1,h,w,C).
using FeatureFunction = std::function<Tensor(const Tensor& image)>;

}  // namespace fu
