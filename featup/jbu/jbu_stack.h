// A learned JBU stack: its levels, and what a checkpoint brings besides.
#pragma once

#include <vector>

#include "featup/jbu/jbu_level.h"
#include "featup/jbu/photo_smoothing.h"
#include "featup/jbu/token_filter.h"

namespace fu {

/// A stack of levels, and what a checkpoint may bring besides: a filter of the tokens, a smoothing of the map between
/// levels, a last mixing of channels, and the norm that its backbone's features go through.
struct JbuStack {
  std::vector<JbuLevel> levels;
  Tensor mix_weight, mix_bias;    // (C,C), (C): F + 0.1 * (F mix_weight^T + mix_bias); empty if there is none
  TokenFilter filter;             // of the features, before the first level
  PhotoSmoothing smoothing;       // of the map, after the second level
  Tensor norm_weight, norm_bias;  // (C): layer norm of the low-resolution features, eps 1e-5; empty if there is none

  /// Reads a published FeatUp checkpoint, or a file of this program. throws FileError if it holds no stack.
  explicit JbuStack(const Weights& weights);
  static bool present(const Weights& weights);
  /// Channels that the mixing is for; 0 if there is none.
  Index channels() const { return mix_bias.size(); }
  /// The mixing of x (..,C) without its bias. Levels act on each channel alike, so the mixing may go first, at low
  /// resolution, where it costs 256 times less; the bias is added after the levels, whose weights do not sum to 1.
  Tensor mix(const Tensor& x) const;
};

/// Features (1,h,w,C) after the stack's filter of tokens, which is the input of the first level; the features
/// themselves if the stack has no filter.
///   photo (1,H,W,3), normalised, of at least 2h x 2w: the filter runs the first level to see what it would remove
Tensor jbu_source(const JbuStack& stack, const Tensor& features, const Tensor& photo);

/// The whole stack in one call: its filter and smoothing if it has them, all levels, then the mixing.
///   source (B,h,w,C), guidance (B,>=16h,>=16w,3) -> (B,16h,16w,C) for four levels
/// Without filter and smoothing the values are those of the published PyTorch code. throws ShapeError if the guidance
/// is smaller or the mixing is for another number of channels.
Tensor jbu_stack(const JbuStack& stack, const Tensor& source, const Tensor& guidance);

}  // namespace fu
