// Upsamplers that look at the photo many times. open_upsampler() knows their names.
#pragma once

#include "featup/upsamplers/upsampler.h"

namespace fu {

/// The mean of `count` views, and, unless its path is empty, the last levels of a JBU stack after it, without its
/// filter of tokens: a mean of views is free of what that is for.
std::unique_ptr<Upsampler> view_average(Index count, const std::string& stack, const UpsamplerOptions& options);
/// A whole fit for every photo, as `featup fit` does it by default but for the smoothness.
std::unique_ptr<Upsampler> implicit_fit(double smoothness, const UpsamplerOptions& options);
/// A stack from a checkpoint. last: where fewer levels are needed than there are, the last ones serve, without the
/// stack's filter and smoothing; else the first.
std::unique_ptr<Upsampler> learned_jbu(const std::string& path, const UpsamplerOptions& options, bool last = false);

}  // namespace fu
