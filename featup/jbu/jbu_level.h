// One level of the joint bilateral upsampler: its learned parameters and its kernels.
#pragma once

#include <string>

#include "core/files/weights.h"
#include "core/kernels/jbu.h"

namespace fu {

/// Reads the weight of a 1x1 convolution, (out,in) or (out,in,1,1), as (in,out). throws FileError for other shapes.
Tensor read_pointwise_weight(const Weights& weights, const std::string& name, Index out, Index in);

/// The learned parameters of one level, in the layout of the kernels. source: FeatUp (arXiv 2403.10516) section 3
class JbuLevel {
 public:
  /// Reads `prefix` + "range_temp" and so on; radius and key size follow from the shapes. throws FileError.
  JbuLevel(const Weights& weights, const std::string& prefix);

  Index radius() const { return radius_; }
  Index key_dim() const { return key_dim_; }
  Index guidance_dim() const { return guidance_dim_; }
  Index diameter() const { return 2 * radius_ + 1; }
  real temperature() const { return temperature_; }
  /// Pointers into this level, which must outlive them.
  JbuWeights weights() const;

 private:
  Index radius_ = 0, key_dim_ = 0, guidance_dim_ = 0;
  real temperature_ = 1;
  Tensor spatial_, key0_, key0_bias_, key3_, fix0_, fix0_bias_, fix3_, fix3_bias_;
};

/// The kernels of a level: guidance (B,H,W,g) -> (B,H,W,d*d). throws ShapeError for a guidance of another size than the
/// level's.
Tensor jbu_kernels(const JbuLevel& level, const Tensor& guidance);

/// One level at any size: source (B,h,w,C), guidance (B,H,W,g) -> (B,H,W,C). The source is enlarged bicubically to
/// H x W, then weighted by one kernel per pixel. cost at H = 2h: about 2 d^2 (C + 200) flops a pixel. throws ShapeError
/// if H or W <= radius.
Tensor jbu_learned_range(const JbuLevel& level, const Tensor& source, const Tensor& guidance);

}  // namespace fu
