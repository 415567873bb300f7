// FeatUp's downsamplers: from a high-resolution map back to what the backbone would see.
#pragma once

#include "core/ops.h"

namespace fu {

/// Where the k x k windows of an axis begin. source: FeatUp (arXiv 2403.10516) section 3
///   published: window i at i * ((n - k) / (n_out - 1)), which drifts against the patches
///   else: centred on patch i of n / n_out pixels, moved inside where it would stick out
std::vector<Index> window_starts(Index n, Index kernel, Index n_out, bool published);

/// One positive blur kernel of sum 1, |p| / sum|p|, at every window.
///   x (B,H,W,C), kernel (k,k) -> (B,h,w,C)
Tensor simple_downsample(const Tensor& x, const Tensor& kernel, Index h, Index w, bool published);

/// Attention pooling: every window is averaged with weights softmax(w * saliency + b), saliency a linear function of the (blurred) features.
///   x (B,H,W,C), weight and bias (k,k), saliency_weight (C), saliency_bias () -> (B,h,w,C)
///   keep (B,h,w): windows whose logits are zeroed where it is 0; of size 0: all kept
/// cost: one read of x, besides the blur; the saliency is one channel, so no window is ever unfolded.
Tensor attention_downsample(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& saliency_weight, const Tensor& saliency_bias,
                            Index h, Index w, bool blur, bool published, const Tensor& keep = Tensor());

}  // namespace fu
