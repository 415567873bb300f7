// What an upsampler is trained for: its map of an image must predict the backbone's features of views of that image.
//
// The loss on views is computed on 32 channels, whatever the width of the backbone. It compares features through a
// random projection to 30 channels, and the downsampler's attention is one linear form of the features (a second one
// gives its noise in training). Upsamplers, jitters and pooling act on each channel alike, so linear maps over channels
// may be applied before all of them. For the same reason a stack's last mixing of channels is done on the
// low-resolution grid.
#pragma once

#include <memory>

#include "featup/photo/jitter.h"
#include "featup/training/downsample.h"
#include "featup/training/kinds.h"
#include "featup/training/losses.h"

namespace fu {

/// What the map is compared with.
enum class TrainingLoss {
  views,  // jittered views of the image, by FeatUp's loss: likelihood, CRF loss and total variation
  crops,  // parts of the photo at a higher resolution, by 1 - cosine + squared error on all channels
};

/// What is trained, and by which losses.
struct UpsamplerObjectiveOptions : LearnedUpsamplerOptions {
  std::string kind = "jbu";  // see trained_kinds()
  TrainingLoss loss = TrainingLoss::views;
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

/// An image, and the backbone's features of it and of views of it.
struct UpsamplerExample {
  Tensor image;     // (1,H,W,3), normalised
  Tensor features;  // (1,h,w,C)
  std::vector<Jitter> jitters;
  Tensor views;        // (jitters,h,w,C): the targets
  Tensor source = {};  // what is enlarged, see LearnedUpsampler::source; of size 0: the features
};

/// What is drawn at random for one example.
struct UpsamplerDraws {
  std::vector<Tensor> projections;  // (C,P) with columns of norm 1: one for all views, or one for each
  std::vector<Index> rows, cols;    // pixels of the map, for the CRF loss
};

/// The upsampler, and for the loss on views the downsampler and the uncertainty, which are learned together, and their
/// loss. Parameters: upsampler, downsampler, scale_net, with the published names. source: FeatUp (arXiv 2403.10516)
/// section 3
class UpsamplerObjective : public Module {
 public:
  /// channels C of the features. Without `random`, values are undefined until they are loaded. throws UsageError.
  UpsamplerObjective(Index channels, const UpsamplerObjectiveOptions& options, Random* random);

  /// For the loss on views; the other one draws nothing.
  UpsamplerDraws draw(const UpsamplerExample& example, Random& random) const;
  /// By options().loss.
  ///   views: the mean over views of the reconstruction loss, plus the CRF loss and the total variation by their
  ///   weights
  ///   crops: the map, averaged over the cells of every view, against the view: see cosine_and_square_loss(). The
  ///   draws are not used. source: AnyUp (arXiv 2510.12764)
  /// throws ShapeError if jitters, views, features and projections do not fit.
  Var loss(const UpsamplerExample& example, const UpsamplerDraws& draws) const;
  /// The upsampler's map of features (1,h,w,C) beside their image of any size.
  Tensor map(const Tensor& features, const Tensor& image) const { return upsampler_->map(features, image); }

  /// What is trained.
  LearnedUpsampler& upsampler() { return *upsampler_; }
  const UpsamplerObjectiveOptions& options() const { return options_; }
  /// A file that open_upsampler() reads. Of a stack, with the downsampler and the uncertainty, as published
  /// checkpoints.
  void export_to(std::map<std::string, Tensor>& tensors);
  /// See LearnedUpsampler::source.
  Tensor source(const Tensor& features, const Tensor& image) const { return upsampler_->source(features, image); }

 private:
  struct Forms;
  Forms linear_forms(const UpsamplerExample& example, const UpsamplerDraws& draws) const;
  Var predict(const Forms& forms, const UpsamplerExample& example) const;
  Var views_loss(const UpsamplerExample& example, const UpsamplerDraws& draws) const;
  Var crops_loss(const UpsamplerExample& example) const;

  UpsamplerObjectiveOptions options_;
  Index channels_;
  std::unique_ptr<LearnedUpsampler> upsampler_;
  ScaleNet scale_net_;
  std::unique_ptr<Downsampler> downsampler_;
};

}  // namespace fu
