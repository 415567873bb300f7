// Unseen views of a photo, and what a method's map explains of them: the measure of `eval views` and `eval report`.
#pragma once

#include <string>

#include "featup/measure/views.h"
#include "featup/upsamplers/upsampler.h"

namespace fu {

constexpr Index kViewPad = 20;  // pixels by which the views' jitters shift at most

/// Views of a photo at the backbone, image (1,H,W,3). input: its name. throws UsageError for a side of kViewPad pixels
/// or less.
HeldOutViews unseen_views(const std::string& input, const Tensor& image, const FeatureFunction& backbone, Index count,
                          std::uint64_t seed);
/// The share of the views' variance that the map (1,H,W,C) of a method explains, in the method's own space.
double explained_variance(const HeldOutViews& views, const Upsampler& upsampler, const Tensor& map);

}  // namespace fu
