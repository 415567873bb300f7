// Learning a JBU stack from images: what it makes of an image's features must foretell what the backbone says of
// jittered looks at the image.
//
// Levels act on each channel alike, and so do jitters and pooling, so a linear map over channels may be applied before
// all of them. The loss looks at features through a random projection to 30 channels, and the downsampler through one
// linear form of them: so 32 channels are upsampled, whatever the width of the backbone, and the last mixing of
// channels is done on the low-resolution grid. What the levels are given is made of all channels before: see
// token_filter.h.
#pragma once

#include <memory>

#include "featup/jbu/jbu_layers.h"
#include "featup/jbu/token_filter.h"
#include "featup/photo/jitter.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"

namespace fu {

struct JbuTrainingOptions {
  JbuLayersOptions layers;
  TokenFilter filter;       // of what the levels are given; not learned, nor does a gradient pass through it
  bool attention = true;    // the downsampler: attention, or one blur kernel
  bool plain_mean = false;  // that kernel stays the plain mean
  Index kernel = 16;        // its side, pixels
  bool uncertainty = true;  // else every position counts alike, with deviation 1
  Index projection = 30;    // channels of the random projection
  double lr = 1e-3;
  double crf = 1e-3, tv = 0;  // weights of the CRF loss, and of the total variation of the projected map
  Index crf_samples = 1000;   // pixels
  bool published = false;  // windows as the published code places them; its CRF loss pairs the first jittered look with
                           // the image as it is
};

/// An image and what the backbone said of it and of jittered looks at it.
struct JbuExample {
  Tensor image;     // (1,H,W,3), normalised
  Tensor features;  // (1,h,w,C)
  std::vector<Jitter> jitters;
  Tensor views;        // (jitters,h,w,C)
  Tensor source = {};  // what the levels are given, see JbuTraining::source; of size 0: the features
};

/// What is drawn at random for one example.
struct JbuDraws {
  std::vector<Tensor> projections;  // (C,P) with columns of length 1: one for all views, or one for each
  std::vector<Index> rows, cols;    // pixels of the map, for the CRF loss
};

/// Parameters: upsampler, downsampler, scale_net, with the published names.
class JbuTraining : public Module {
 public:
  /// channels C of the features. Without `random`, values are undefined until they are loaded.
  JbuTraining(Index channels, const JbuTrainingOptions& options, Random* random);

  JbuDraws draw(const JbuExample& example, Random& random) const;
  /// The mean over views of the reconstruction, the CRF loss and the total variation.
  Var loss(const JbuExample& example, const JbuDraws& draws) const;
  /// The stack's map of features (1,h,w,C) beside their image of any size: (1, h 2^levels, w 2^levels, C).
  Tensor map(const Tensor& features, const Tensor& image) const;

  JbuLayers& upsampler() { return upsampler_; }
  const JbuTrainingOptions& options() const { return options_; }
  /// The trained modules as published checkpoints have them, and the numbers of the filter and the smoothing if there
  /// are any.
  void export_to(std::map<std::string, Tensor>& tensors);

  /// Features (1,h,w,C) through the filter, as the first level is now; the features where there is no filter. To be
  /// asked for before train().
  Tensor source(const Tensor& features, const Tensor& image) const;

 private:
  JbuTrainingOptions options_;
  Index channels_;
  JbuLayers upsampler_;
  std::unique_ptr<Downsampler> downsampler_;
  ScaleNet scale_net_;
};

}  // namespace fu
