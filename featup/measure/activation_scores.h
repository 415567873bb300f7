// How well a class activation map shows what a classifier looks at: the photo is darkened where the map is low, and the
// classifier is asked again.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace fu {

/// The activations as shares of their range: the smallest becomes 0, the largest 1. scores (1,H,W,1) -> same.
Tensor activation_mask(const Tensor& scores);

/// image (1,H,W,3), normalised, times a mask (1,H,W,1): what is masked out becomes ImageNet's mean colour.
Tensor masked_image(const Tensor& image, const Tensor& mask);

/// The probability of a class, of the whole photo and of the masked one.
struct MaskedProbability {
  double whole = 0, masked = 0;
};

/// Over some photos, both from 0 to 100:
///   drop      mean of max(0, whole - masked) / whole: what the masked photo lost; less is better
///   increase  share of photos with masked > whole: less distraction; more is better
/// source: Chattopadhay et al., Grad-CAM++, arXiv 1710.11063
double average_drop(const std::vector<MaskedProbability>& photos);
double average_increase(const std::vector<MaskedProbability>& photos);

}  // namespace fu
