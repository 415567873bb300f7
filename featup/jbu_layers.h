// The learned joint bilateral upsampler as layers: what is trained. jbu.h runs the same weights fused, and many times as fast.
#pragma once

#include <memory>

#include "layers/activation.h"
#include "layers/linear.h"

namespace fu {

/// One level. Parameters: range_temp, sigma_spatial (scalars), range_proj.{0,3}, fixup_proj.{0,3}. source: FeatUp (arXiv 2403.10516) eq. 5 and 6
class JbuLearnedRange : public Module {
 public:
  JbuLearnedRange(Index guidance_dim, Index key_dim, Index radius, Random* random);
  /// guidance (B,H,W,g) -> one kernel for every pixel (B,H,W,d*d), d = 2*radius + 1
  Var kernels(const Var& guidance) const;
  /// source (B,h,w,C), enlarged bicubically to guidance (B,H,W,g) -> (B,H,W,C)
  Var operator()(const Var& source, const Var& guidance) const;

  Parameter range_temp, sigma_spatial;

 private:
  struct Projection : Module {
    Linear first, second;
    Dropout dropout;
    Projection(Index in, Index hidden, Index out, Random* random);
    Var operator()(const Var& x) const { return second(dropout(first(x, Activation::gelu))); }
  };
  Projection range_proj_, fixup_proj_;
  Index radius_;
};

/// Levels up1, up2, ... of x2, each guided by the image pooled to its size, then x + 0.1 fixup_proj.1(x).
class JbuLayers : public Module {
 public:
  /// channels: of the features, for the last mixing.
  JbuLayers(Index channels, Index levels, Index guidance_dim, Index key_dim, Index radius, Random* random);
  Var operator()(const Var& source, const Var& guidance) const;

 private:
  std::vector<std::unique_ptr<JbuLearnedRange>> levels_;
  struct Mixing : Module {
    Dropout dropout;
    Linear linear;
    Mixing(Index channels, Random* random);
  } fixup_proj_;
};

}  // namespace fu
