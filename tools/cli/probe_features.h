// From a prepared photo to what a probe learns from, and to what a probe says of all its pixels.
#pragma once

#include <memory>

#include "featup/upsamplers/upsampler.h"
#include "tools/cli/arguments.h"
#include "tools/cli/probe_data.h"

namespace fu {

class ProbeFeatures {
 public:
  /// method: that upsamples features before they are learned from; empty: low-resolution features. throws FileError or
  /// UsageError, which name the choices, and for a size that is no multiple of the backbone's patch.
  ProbeFeatures(const BackboneArgs& backbone, const std::string& size, const std::string& method, std::uint64_t seed);
  ProbeFeatures(const ProbeFeatures&) = delete;
  ProbeFeatures& operator=(const ProbeFeatures&) = delete;

  const Backbone& backbone() const { return *backbone_; }
  /// A line for the user if the upsampler cannot use all of itself on these features; else empty.
  std::string note() const;
  /// Samples of these pixels. memory: of upsampled features as much as 64 million numbers, or one channel.
  PhotoSamples samples(const PreparedPhoto& photo, const std::vector<Index>& pixels) const;
  /// What the probe says of every pixel of the photo's part, (1,height,width,K): from low-resolution features,
  /// upsampled bilinearly behind the probe; or from upsampled features.
  Tensor outputs(const Probe& probe, const PreparedPhoto& photo) const;

 private:
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<Upsampler> upsampler_;  // null: low-resolution features
};

}  // namespace fu
