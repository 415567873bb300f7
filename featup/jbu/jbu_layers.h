// The learned joint bilateral upsampler as layers with gradients, for training. jbu_run.h runs the same weights fused,
// many times as fast.
#pragma once

#include <memory>

#include "featup/jbu/photo_smoothing.h"
#include "layers/activation.h"
#include "layers/linear.h"

namespace fu {

/// Form and beginning of a stack under training.
struct JbuLayersOptions {
  /// Levels of x2, channels of the guidance and of the keys, radius of a kernel in pixels.
  Index levels = 4, guidance_dim = 3, key_dim = 32, radius = 3;
  bool mixing = true;     // a last linear map over channels
  bool shared = false;    // one level, used at every scale
  bool unit_sum = false;  // see JbuLearnedRange
  // Initial width of the Gaussian of distance, in radii, and initial temperature of the softmax over products of keys.
  // The published values, a wide Gaussian and no preference for like colours, need thousands of steps.
  double sigma = 1, temperature = 1;
  double color_range = 0;         // above 0: start as a joint bilateral filter of that width, see start_bilateral()
  double dropout = 0.1;           // of the hidden channels of keys and fix-ups, in training
  PhotoSmoothing smoothing = {};  // of the map after the second level; not learned
};

/// One level. Parameters: range_temp, sigma_spatial (scalars), range_proj.{0,3}, fixup_proj.{0,3}. source: FeatUp
/// (arXiv 2403.10516) eq. 5 and 6
class JbuLearnedRange : public Module {
 public:
  /// unit_sum: the mean of the fix-up over the neighbourhood is subtracted from it, so that a kernel's sum stays 1.
  JbuLearnedRange(const JbuLayersOptions& options, Random* random);
  /// Sets the weights so that the level is a joint bilateral filter, with a Gaussian of that width over differences of
  /// colours, a channel's range being 1. Three keys are c / width and a fourth is A - |c|^2 / (2 A width^2), so that
  /// the products of keys are -|c - c'|^2 / (2 width^2) plus terms that are the same for all neighbours, which softmax
  /// ignores. source: Kopf et al., "Joint bilateral upsampling"
  /// (SIGGRAPH 2007). throws UsageError unless guided by a photo, with 6 keys or more.
  void start_bilateral(double width);
  /// guidance (B,H,W,g) -> one kernel for every pixel (B,H,W,d*d), d = 2*radius + 1
  Var kernels(const Var& guidance) const;
  /// source (B,h,w,C), enlarged bicubically to guidance (B,H,W,g) -> (B,H,W,C)
  Var operator()(const Var& source, const Var& guidance) const;

  Parameter range_temp, sigma_spatial;

 private:
  struct Projection : Module {
    Linear first, second;
    Dropout dropout;
    Projection(Index in, Index hidden, Index out, double dropout, Random* random);
    Var hidden(const Var& x) const { return dropout(first(x, Activation::gelu)); }
    Var operator()(const Var& x) const {
      const NameScope scope(registered_name());
      return second(hidden(x));
    }
  };
  Projection range_proj_, fixup_proj_;
  Index radius_;
  bool unit_sum_;
};

/// Levels up1, up2, ... of x2, each guided by the image pooled to its size, then x + 0.1 fixup_proj.1(x).
class JbuLayers : public Module {
 public:
  /// channels: of the features, for the last mixing.
  JbuLayers(Index channels, const JbuLayersOptions& options, Random* random);
  /// source (B,h,w,C), guidance (B,H,W,g) of any size -> (B, h 2^levels, w 2^levels, C). throws ShapeError.
  Var operator()(const Var& source, const Var& guidance) const;
  /// The levels alone. They act on each channel alike, so any number of channels will do. With smoothing: for one
  /// image, and the guidance is a constant.
  Var enlarge(const Var& source, const Var& guidance) const;
  /// The map after the first level, averaged over cells to the size of the source: what a TokenFilter compares with.
  Var first_level_means(const Var& source, const Var& guidance) const;
  /// The mixing of x (..,C) without its bias. It commutes with the levels.
  Var mix(const Var& x) const;
  /// The mixing's bias, (C), added at the end; of size 0 without a mixing.
  Var constant() const;
  /// The stack as inference reads it and as published: every level by its name, the fix-up of unit sums in its weights.
  void export_to(std::map<std::string, Tensor>& tensors, const std::string& prefix);

 private:
  JbuLayersOptions options_;
  std::vector<std::unique_ptr<JbuLearnedRange>> levels_;
  struct Mixing : Module {
    Dropout dropout;
    Linear linear;
    Mixing(Index channels, Random* random);
  };
  std::unique_ptr<Mixing> fixup_proj_;
};

}  // namespace fu
