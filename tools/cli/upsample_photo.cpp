#include "tools/cli/upsample_photo.h"

namespace fu {

Extent upsampled_size(const std::string& name, const PhotoFeatures& photo, Extent wanted) {
  if (wanted.height > 0) return wanted;
  const Extent size = default_output(photo.features.dim(1), photo.features.dim(2), photo.in_size);
  require<UsageError>(size.height * size.width <= kMaxInput, name, ": the result would have ", size.height, "x",
                      size.width, " pixels. If that is meant, say --out-size ", size.height, "x", size.width, ".");
  return size;
}

UpsampledPhoto upsample_photo(const Upsampler& upsampler, const PhotoFeatures& photo, Extent size,
                              const ProjectionArgs& options, const Tensor& projection, const Progress& progress) {
  UpsampledPhoto result;
  result.coarse = upsampler.output_space(photo.features);
  result.map = channel_map(options, projection, result.coarse, "the features have");
  result.features =
      upsampler(photo.features, photo.guide(), size, result.map.matrix.size() ? &result.map : nullptr, progress);
  return result;
}

}  // namespace fu
