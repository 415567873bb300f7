#include "tools/cli/probe_features.h"

#include <algorithm>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"

namespace fu {

namespace {

constexpr Index kMostNumbers = Index{1} << 26;  // of an upsampled map at once

Guide guide_of(const PreparedPhoto& photo) {
  return guide_of(std::make_shared<PhotoViews>(photo.part, false), {photo.seen.height, photo.seen.width});
}

/// A map that takes channels [begin, end) of C.
ChannelMap some_channels(Index c, Index begin, Index end) {
  ChannelMap map{Tensor::zeros({c, end - begin}), {}};
  for (Index i = begin; i < end; ++i) map.matrix.data()[i * (end - begin) + i - begin] = 1;
  return map;
}

}  // namespace

ProbeFeatures::ProbeFeatures(const BackboneArgs& backbone, const std::string& size, const std::string& method,
                             std::uint64_t seed)
    : backbone_(backbone.open()) {
  if (size.find('x') != std::string::npos) {
    const InputSize given = parse_input_size(size);
    require_whole_patches(size, {given.height, given.width}, *backbone_);
  }
  if (!method.empty()) upsampler_ = open_upsampler(method, {false, feature_function(backbone_.get()), seed});
}

std::string ProbeFeatures::note() const { return upsampler_ ? upsampler_->note(backbone_->channels()) : ""; }

PhotoSamples ProbeFeatures::samples(const PreparedPhoto& photo, const std::vector<Index>& pixels) const {
  const Tensor features = backbone_->features(normalize(photo.seen));
  if (!upsampler_) return take_samples(features, photo.targets, pixels);
  const Tensor space = upsampler_->output_space(features);
  const Guide guide = guide_of(photo);
  const Extent size{photo.targets.height, photo.targets.width};
  const Index c = space.dim(3), n = static_cast<Index>(pixels.size()),
              some = std::clamp<Index>(kMostNumbers / (size.height * size.width), 1, c);
  PhotoSamples all{Tensor({n, c}), {}, {}, {}};
  for (Index begin = 0; begin < c; begin += some) {
    const Index end = std::min(c, begin + some), k = end - begin;
    const ChannelMap map = some_channels(c, begin, end);
    const Tensor fine = (*upsampler_)(features, guide, size, some < c ? &map : nullptr);
    const PhotoSamples part = take_fine_samples(fine, space, photo.targets, pixels);
    for (Index i = 0; i < n; ++i) std::copy_n(part.features.data() + i * k, k, all.features.data() + i * c + begin);
    all.targets = part.targets, all.cells = part.cells, all.target_moments = part.target_moments;
  }
  return all;
}

Tensor ProbeFeatures::outputs(const Probe& probe, const PreparedPhoto& photo) const {
  const Tensor features = backbone_->features(normalize(photo.seen));
  const Extent size{photo.targets.height, photo.targets.width};
  if (!upsampler_) return resize_bilinear(apply_probe(probe, features), size.height, size.width);
  ChannelMap map = probe_outputs(probe);
  map.offset_first = false;  // as it was trained
  if (!probe.has_hidden()) return (*upsampler_)(features, guide_of(photo), size, &map);
  return apply_probe(probe, (*upsampler_)(features, guide_of(photo), size));
}

}  // namespace fu
