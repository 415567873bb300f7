#include "tools/cli/view_scores.h"

#include <algorithm>

#include "core/error.h"

namespace fu {

HeldOutViews unseen_views(const std::string& input, const Tensor& image, const FeatureFunction& backbone, Index count,
                          std::uint64_t seed) {
  require<UsageError>(std::min(image.dim(1), image.dim(2)) > kViewPad, input, ": jitters pad by ", kViewPad,
                      " pixels, so the photo must have more at the backbone.");
  return HeldOutViews(image, backbone, count, seed);
}

double explained_variance(const HeldOutViews& views, const Upsampler& upsampler, const Tensor& map) {
  return views.explained_by(map, [&](const Tensor& x) { return upsampler.output_space(x); }).value();
}

}  // namespace fu
