// What `upsample` makes of one photo, for whoever gives the result on: as a file, or as an answer.
#pragma once

#include "featup/upsamplers/upsampler.h"
#include "tools/cli/channel_maps.h"
#include "tools/cli/photo_features.h"

namespace fu {

struct UpsampledPhoto {
  Tensor coarse;    // (1,h,w,C), in the space of the result
  ChannelMap map;   // over its channels; its matrix has size 0 for none
  Tensor features;  // (1,H,W,C), or (1,H,W,K) with a map
};

/// The size that was asked for, or, for 0 x 0, 16 times the features, cut to the photo. name: of the photo, in errors.
/// throws UsageError for a size beyond kMaxInput that nobody asked for.
Extent upsampled_size(const std::string& name, const PhotoFeatures& photo, Extent wanted);

/// throws as channel_map() and the upsampler do.
UpsampledPhoto upsample_photo(const Upsampler& upsampler, const PhotoFeatures& photo, Extent size,
                              const ProjectionArgs& options, const Tensor& projection, const Progress& progress);

}  // namespace fu
