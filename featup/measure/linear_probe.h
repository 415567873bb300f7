// A linear probe: how much of what people would name can be read off frozen features by one linear layer. source: Alain
// and Bengio, "Understanding intermediate layers using linear classifier probes", arXiv 1610.01644
#pragma once

#include <vector>

#include "core/progress.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// Low-resolution features (1,h,w,C) of an image of height x width pixels, and the class of each pixel.
struct LabelledFeatures {
  Tensor features;
  Index height = 0, width = 0;
  std::vector<unsigned char> labels;
};

struct ProbeOptions {
  Index classes = 11;   // pixels of other labels are left out
  Index pixels = 1500;  // drawn of each image, with features interpolated bilinearly
  Index batch = 1024, epochs = 6;
  double lr = 1e-3;  // Adam
  std::uint64_t seed = 0;
};

/// Trains the layer on features standardised channel by channel. The result takes features as they are to logits:
/// standardising is part of it. The same options and images give the same bits. progress: share of the steps done.
/// Throws UsageError if no pixel has a class.
ChannelMap train_probe(const std::vector<LabelledFeatures>& images, const ProbeOptions& options,
                       const Progress& progress = {});

/// Probes side by side, as one map: logits of the first, then of the second, ...
ChannelMap joined(const std::vector<ChannelMap>& probes);

}  // namespace fu
