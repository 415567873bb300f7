// What a stack's levels are given in place of the backbone's tokens: what the first level smooths away is put back
// beforehand where it stands out, and all of it is drawn a little towards its mean.
//
// A token says what its patch shows, and a little about where the patch happens to lie, which is noise. Whatever a
// level loses of a token is either that, or a pole that is one token wide: the more there is of it, the more likely the
// second. And of a noisy number, the estimate of least squares is not the number, but one nearer to the mean.
#pragma once

#include <functional>

#include "core/ops.h"

namespace fu {

struct TokenFilter {
  // Share of the residual r of a token that is put back: strength |r|^2 / (|r|^2 + noise mean|r|^2).
  real strength = 0, noise = 1;
  real shrinkage = 0;  // by how much of its distance from the mean over the photo a token is drawn there

  bool present() const { return strength > 0 || shrinkage > 0; }
  /// Whether strength and noise are from 0 to 1e6, and the shrinkage from 0 to 1, but not 1.
  bool usable() const;
  /// The three numbers, as files keep them.
  Tensor numbers() const;
};

/// features (1,h,w,C) -> (1,h,w,C). smooth: what the first level makes of features, brought back to their size. Linear
/// but for the shares, which are the same for all channels. throws ShapeError. source: Irani and Peleg, "Improving
/// resolution by image registration" (CVGIP 1991), shares as Wiener's; James and Stein, "Estimation with quadratic
/// loss" (Berkeley Symposium 1961)
Tensor filter_tokens(const TokenFilter& filter, const Tensor& features,
                     const std::function<Tensor(const Tensor&)>& smooth);

}  // namespace fu
