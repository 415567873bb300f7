// A linear probe: one linear layer from frozen features to classes. Its accuracy tells how much of the classes the
// features hold. source: Alain and Bengio, "Understanding intermediate layers using linear classifier probes", arXiv
// 1610.01644
#pragma once

#include <vector>

#include "core/progress.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// Low-resolution features (1,h,w,C) of an image of height x width pixels, and the class of each pixel.
struct LabelledFeatures {
  Tensor features;
  Index height = 0, width = 0;
  std::vector<unsigned char> labels;  // (height, width)
};

struct ProbeOptions {
  Index classes = 11;   // pixels with labels from `classes` up are left out
  Index pixels = 1500;  // drawn from each image, with features interpolated bilinearly
  Index batch = 1024, epochs = 6;
  double lr = 1e-3;  // of Adam
  std::uint64_t seed = 0;
};

/// Trains the layer with Adam and cross entropy, on features that are standardised channel by channel. The result takes
/// features as they are to logits: the standardisation is folded into its weights. The same options and images give the
/// same bits.
///   progress: the share of steps done; may be empty.
/// cost: epochs * images * pixels * C * classes * 3 multiply-adds. throws ShapeError if features and labels do not fit,
/// UsageError if no pixel has a class or an option is not positive.
ChannelMap train_probe(const std::vector<LabelledFeatures>& images, const ProbeOptions& options,
                       const Progress& progress = {});

/// Probes side by side, as one map: logits of the first, then of the second, ...
ChannelMap joined(const std::vector<ChannelMap>& probes);

}  // namespace fu
