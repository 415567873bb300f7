// The learned joint bilateral upsampler as layers: what is trained. jbu.h runs the same weights fused, and many times
// as fast.
#pragma once

#include <memory>

#include "featup/jbu/photo_smoothing.h"
#include "layers/activation.h"
#include "layers/linear.h"

namespace fu {

struct JbuLayersOptions {
  Index levels = 4, guidance_dim = 3, key_dim = 32, radius = 3;
  bool mixing = true;     // a last linear map over channels
  bool shared = false;    // one level, used at every scale
  bool unit_sum = false;  // see JbuLearnedRange
  // What levels begin with: published, a wide Gaussian in place and no preference for like colours, from which descent
  // takes thousands of steps.
  double sigma = 1, temperature = 1;
  double color_range = 0;  // above 0: with the keys of a joint bilateral filter of that width, see JbuLearnedRange
  double dropout = 0.1;    // of the hidden channels of keys and fix-ups, in training
  PhotoSmoothing smoothing = {};  // of what the second level leaves; not learned
};

/// One level. Parameters: range_temp, sigma_spatial (scalars), range_proj.{0,3}, fixup_proj.{0,3}. source: FeatUp
/// (arXiv 2403.10516) eq. 5 and 6
class JbuLearnedRange : public Module {
 public:
  /// unit_sum: the fix-up takes from one neighbour what it gives to another, so that a kernel's sum stays 1.
  JbuLearnedRange(const JbuLayersOptions& options, Random* random);
  /// The level becomes a joint bilateral filter with a Gaussian of that width over differences of colours, a channel's
  /// range being 1: keys begin with c / width, and one more with A - |c|^2 / (2 A width^2), so that their products are
  /// -|c - c'|^2 / (2 width^2) but for what softmax ignores. source: Kopf et al., "Joint bilateral upsampling"
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
    Var operator()(const Var& x) const { return second(hidden(x)); }
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
  Var operator()(const Var& source, const Var& guidance) const;
  /// The levels alone: the same for every channel, so for any number of them. With smoothing, one image, and a guidance
  /// that is a constant photo.
  Var enlarge(const Var& source, const Var& guidance) const;
  /// What the first level makes of a source, as means over its cells.
  Var smooth(const Var& source, const Var& guidance) const;
  /// What the mixing does, but for its bias: it commutes with the levels. x (..,C)
  Var mix(const Var& x) const;
  /// What it adds at the end, (C); of size 0 without a mixing.
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
