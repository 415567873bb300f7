// What an attention upsampler makes of a photo and its features, before any values are enlarged.
#pragma once

#include <memory>

#include "core/ops/cell_attention.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Queries of pixels and keys of cells.
struct QueriesAndKeys {
  Tensor queries, keys;  // (1,height,width,C), (1,h,w,C)
  HeadUse use = HeadUse::mean;
};

/// values (1,h,w,K), or (heads,h,w,K) for HeadUse::sum -> out (height,width,K), memory of the caller's.
void attend(const QueriesAndKeys& made, const Tensor& values, const CellWindows& windows, HeadUse use, real* out);

}  // namespace fu
