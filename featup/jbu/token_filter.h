// Pre-filter of the tokens: adds back detail that level 1 would remove where it exceeds the noise, and shrinks tokens
// towards their mean.
//
// A token (the feature of one patch) tells what the patch shows, and a little about where the patch's border happens to
// lie, which is noise. The residual of a token is what level 1 removes of it. A large residual is probably detail, such
// as a pole that is one token wide, and a small one is probably noise: so a residual is added back in a share that
// grows with its energy. Shrinking a noisy number towards the mean lowers its expected squared error (James and Stein).
#pragma once

#include <functional>

#include "core/ops.h"

namespace fu {

/// How much detail is added back, and how far tokens are drawn towards their mean.
struct TokenFilter {
  // Share of a token's residual r that is added back: strength |r|^2 / (|r|^2 + noise mean|r|^2), the mean over all
  // tokens of the photo.
  real strength = 0, noise = 1;
  real shrinkage = 0;  // share of its distance from the mean over the photo by which a token is moved there

  /// Whether it does anything.
  bool present() const { return strength > 0 || shrinkage > 0; }
  /// Whether strength and noise are from 0 to 1e6, and the shrinkage is at least 0 and below 1.
  bool usable() const;
  /// The three numbers, as files keep them.
  Tensor numbers() const;
};

/// features (1,h,w,C) -> (1,h,w,C). first_level: the map after level 1, averaged over cells to the size of the
/// features. Linear except for the shares, which are the same for all channels. throws ShapeError. source: Irani and
/// Peleg, "Improving resolution by image registration" (CVGIP 1991), with shares as in Wiener's filter; James and
/// Stein, "Estimation with quadratic loss" (Berkeley Symposium 1961)
Tensor filter_tokens(const TokenFilter& filter, const Tensor& features,
                     const std::function<Tensor(const Tensor&)>& first_level);

}  // namespace fu
