// One view of a photo, as fits use them.
#pragma once

#include "core/tensor.h"
#include "featup/photo/jitter.h"

namespace fu {

/// The features (1,h,w,C) that a backbone gives for an image seen through a jitter.
struct JitteredView {
  Jitter jitter;
  Tensor features;
};

}  // namespace fu
