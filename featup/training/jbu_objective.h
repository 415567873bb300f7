// What a JBU stack is trained for: its map of an image must predict the backbone's features of jittered views of that
// image.
//
// The loss is computed on 32 channels, whatever the width of the backbone. It compares features through a random
// projection to 30 channels, and the downsampler's attention is one linear form of the features (a second one gives its
// noise in training). Levels, jitters and pooling act on each channel alike, so linear maps over channels may be
// applied before all of them. For the same reason the stack's last mixing of channels is done on the low-resolution
// grid.
#pragma once

#include <memory>

#include "featup/jbu/jbu_layers.h"
#include "featup/jbu/token_filter.h"
#include "featup/photo/jitter.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"

namespace fu {

struct JbuObjectiveOptions {
  JbuLayersOptions layers;
  TokenFilter filter;         // of the features, before the first level; not learned, and passes no gradient
  bool attention = true;      // the downsampler: attention pooling, or one blur kernel
  bool plain_mean = false;    // with one blur kernel: it stays the plain mean, and is not learned
  Index kernel = 16;          // side of the downsampler's windows, pixels
  bool uncertainty = true;    // learned for every position; else the deviation is 1 everywhere
  Index projection = 30;      // channels of the random projection
  double lr = 1e-3;           // of the trainer's optimizer
  double crf = 1e-3, tv = 0;  // weights of the CRF loss, and of the total variation of the projected map
  Index crf_samples = 1000;   // pixels that the CRF loss compares
  // As the published code: windows where it places them, and a CRF loss that compares the map of the first jittered
  // view with the colours of the image without jitter.
  bool published = false;
};

/// An image, and the backbone's features of it and of jittered views of it.
struct JbuExample {
  Tensor image;     // (1,H,W,3), normalised
  Tensor features;  // (1,h,w,C)
  std::vector<Jitter> jitters;
  Tensor views;        // (jitters,h,w,C): the targets
  Tensor source = {};  // the input of the first level, see JbuObjective::source; of size 0: the features
};

/// What is drawn at random for one example.
struct JbuDraws {
  std::vector<Tensor> projections;  // (C,P) with columns of norm 1: one for all views, or one for each
  std::vector<Index> rows, cols;    // pixels of the map, for the CRF loss
};

/// The stack, the downsampler and the uncertainty, which are learned together, and their loss. Parameters: upsampler,
/// downsampler, scale_net, with the published names. source: FeatUp (arXiv 2403.10516) section 3
class JbuObjective : public Module {
 public:
  /// channels C of the features. Without `random`, values are undefined until they are loaded.
  JbuObjective(Index channels, const JbuObjectiveOptions& options, Random* random);

  JbuDraws draw(const JbuExample& example, Random& random) const;
  /// The mean over views of the reconstruction loss, plus the CRF loss and the total variation by their weights. throws
  /// ShapeError if jitters, views, features and projections do not fit.
  Var loss(const JbuExample& example, const JbuDraws& draws) const;
  /// The stack's map of features (1,h,w,C) beside their image of any size: (1, h 2^levels, w 2^levels, C).
  Tensor map(const Tensor& features, const Tensor& image) const;

  JbuLayers& upsampler() { return upsampler_; }
  const JbuObjectiveOptions& options() const { return options_; }
  /// The learned modules with the names of published checkpoints, and the numbers of the filter and of the smoothing,
  /// if there are any.
  void export_to(std::map<std::string, Tensor>& tensors);

  /// The input of the first level: features (1,h,w,C) through the filter, which uses that level as it is now; the
  /// features where there is no filter. Call it before train(), while dropout is off.
  Tensor source(const Tensor& features, const Tensor& image) const;

 private:
  struct Forms;
  Forms linear_forms(const JbuExample& example, const JbuDraws& draws) const;
  Var predict(const Forms& forms, const JbuExample& example) const;

  JbuObjectiveOptions options_;
  Index channels_;
  JbuLayers upsampler_;
  std::unique_ptr<Downsampler> downsampler_;
  ScaleNet scale_net_;
};

}  // namespace fu
