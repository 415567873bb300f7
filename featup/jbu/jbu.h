// The joint bilateral upsampler: levels that double the resolution, guided by the photo.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "core/kernels/jbu.h"
#include "core/ops.h"
#include "featup/jbu/photo_smoothing.h"
#include "featup/jbu/token_filter.h"

namespace fu {

/// The learned parameters of one level, as the kernels want them. source: FeatUp (arXiv 2403.10516) section 3
class JbuLevel {
 public:
  /// Loads `prefix` + "range_temp" and so on; radius and key size are read off the shapes. Throws FileError.
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

/// One level at any size: source (B,h,w,C), guidance (B,H,W,g) -> (B,H,W,C): bicubic to H x W, then one kernel per
/// pixel. cost at H = 2h: 2 d^2 (C + 200) flops a pixel, about. throws ShapeError if H or W <= radius.
Tensor jbu_learned_range(const JbuLevel& level, const Tensor& source, const Tensor& guidance);

/// A stack of levels, and what a checkpoint brings besides: the last mixing of channels and the norm of its backbone's
/// features.
struct JbuStack {
  std::vector<JbuLevel> levels;
  Tensor mix_weight, mix_bias;    // (C,C), (C): F + 0.1 * (F mix_weight^T + mix_bias); empty if there is none
  TokenFilter filter;             // of what the levels are given
  PhotoSmoothing smoothing;       // of what the second level leaves
  Tensor norm_weight, norm_bias;  // (C): layer norm of the low-resolution features, eps 1e-5; empty if there is none

  /// Loads a published FeatUp checkpoint, or a file of this program. Throws FileError if it holds no stack.
  explicit JbuStack(const Weights& weights);
  static bool present(const Weights& weights);
  /// Channels that the mixing is for; 0 if there is none.
  Index channels() const { return mix_bias.size(); }
  /// The mixing of x (..,C) but for its bias, which must wait: levels act on each channel alike, so the rest may go
  /// first, at low resolution.
  Tensor mix(const Tensor& x) const;
};

/// What the levels are given: features (1,h,w,C) through the stack's filter, beside the normalised photo (1,H,W,3) of
/// at least 2h x 2w. Without a filter, the features.
Tensor jbu_source(const JbuStack& stack, const Tensor& features, const Tensor& photo);

/// Runs `count` levels over one image, band by band: the levels in between exist only for the rows at hand, so memory
/// is the result plus a constant times its width. Levels beyond the stack's last repeat the last one. A stack with
/// smoothing keeps the map of its second level as well, a sixteenth of the numbers that four levels make (with two
/// levels, that is the result), and 14 numbers for each of its pixels.
///   source (1,h,w,C), guidance (1,H,W,g) -> (1, h 2^count, w 2^count, C)
/// The guidance is average-pooled to each level's size; throws ShapeError if it is smaller than the result and
/// `any_guidance` is not set.
class JbuRun {
 public:
  JbuRun(const JbuStack& stack, const Tensor& source, const Tensor& guidance, int count, bool any_guidance = false);
  ~JbuRun();

  Index height() const;
  Index width() const;
  /// Rows [begin, end) of the result, (end - begin, width, C); calls must go from top to bottom, without overlap. Both
  /// even, or the last.
  void rows(Index begin, Index end, real* out);
  /// A good number of rows for one call.
  Index band() const;
  /// All of it.
  Tensor all();

 private:
  struct Level;
  void produce(std::size_t level, Index keep, Index end, real* out);

  Tensor source_;  // of the first of levels_, or, without any, the result
  Index channels_ = 0, height_ = 0, width_ = 0, band_ = 0, made_ = 0;
  std::vector<Level> levels_;
};

/// The whole stack as PyTorch's: its filter and smoothing if it has them, all levels, then the mixing. source
/// (B,h,w,C), guidance (B,>=16h,>=16w,3)
/// -> (B,16h,16w,C). throws ShapeError if the guidance is smaller or the mixing is for another number of channels.
Tensor jbu_stack(const JbuStack& stack, const Tensor& source, const Tensor& guidance);

}  // namespace fu
