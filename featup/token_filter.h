// What a stack's levels are given in place of the backbone's tokens. A token says a little about where its patch happens to lie, whatever it shows;
// means over tokens of like patches lose that. But a mean also loses whatever is one token wide: a pole, a distant person. So tokens are first
// averaged among those near by that look alike and say alike, and then what the average and the first level have smoothed away is put back where it
// stands out from the noise.
#pragma once

#include <functional>

#include "core/ops.h"

namespace fu {

struct TokenFilter {
  // Widths of Gaussians over the distances of two tokens; place 0: no averaging.
  real place = 0;              // tokens
  real color = real(0.1);      // of the patches' mean colours, a channel's range being 1
  real texture = real(0.03);   // of the deviations of colours within the patches
  real features = real(0.25);  // of the features, in deviations of the whole map, ...
  // Share of the residual r of a token that is put back: strength |r|^2 / (|r|^2 + noise mean|r|^2).
  real strength = 0, noise = 1;
  real blur = 1;  // ... compared after a Gaussian of this width, in tokens, over the map: what is left of the noise then tells little apart; 0: none

  bool present() const { return place > 0 || strength > 0; }
  /// Whether all numbers are finite, none below 0 or above 1e6, and no width in use below 1e-3.
  bool usable() const;
  /// The seven numbers above in their order, as files keep them.
  Tensor numbers() const;
  static TokenFilter from(const Tensor& numbers);
};

constexpr Index kTokenReach = 8;  // rows and columns on either side that the average looks at

/// Pixels on a side of a token's patch at which the filter looks at a photo: 16, fewer where h x w tokens would make that more than 2^22 pixels.
Index patch_pixels(Index h, Index w);

/// features (1,h,w,C), photo (1,H,W,3), normalised, at any size -> each token's mean over its neighbours, like ones counting most: (1,h,w,C).
/// cost: about 4000 C flops a token; memory: three maps of tokens, 5000 C bytes, and the photo at patch_pixels() if it has another size. source:
/// Tomasi and Manduchi, "Bilateral filtering" (ICCV 1998); Buades et al., "A non-local algorithm for image denoising" (CVPR 2005)
Tensor average_like_tokens(const TokenFilter& filter, const Tensor& features, const Tensor& photo);

/// The filter, A being the average and S what the first level makes of it, brought back to the tokens' size by `smooth`:
///   A(x) + share * (x - S(A(x))).
/// Linear in x but for the weights, which are the same for all channels. throws ShapeError.
/// source: Irani and Peleg, "Improving resolution by image registration" (CVGIP 1991); shares as Wiener's
Tensor filter_tokens(const TokenFilter& filter, const Tensor& features, const Tensor& photo, const std::function<Tensor(const Tensor&)>& smooth);

}  // namespace fu
