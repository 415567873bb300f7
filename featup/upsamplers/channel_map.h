// A linear map over channels that is applied while features are enlarged.
#pragma once

#include "core/tensor.h"

namespace fu {

/// y = x matrix + offset: a projection, principal components, a classifier. An upsampler that treats all channels alike
/// applies the matrix to the low-resolution features, which gives the same result and costs K channels in place of C.
struct ChannelMap {
  Tensor matrix;  // (C,K)
  Tensor offset;  // (K), or of size 0
  /// Added before upsampling, so that kernels whose weights do not sum to 1 weigh it too. A method that uses many views
  /// adds it at the end in any case.
  bool offset_first = false;
};

}  // namespace fu
