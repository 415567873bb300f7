#include "featup/upsamplers/upsampler.h"

#include <algorithm>

namespace fu {

std::string Upsampler::note(Index) const { return {}; }
Tensor Upsampler::output_space(const Tensor& features) const { return features; }

Extent default_output(Index feature_rows, Index feature_cols, Extent image) {
  return {std::min(16 * feature_rows, image.height), std::min(16 * feature_cols, image.width)};
}

}  // namespace fu
