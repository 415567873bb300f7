// The photo that the chapters about FeatUp look at, and what the built-in backbone makes of it.
#pragma once

#include <string>
#include <vector>

#include "featup/backbones/feature_function.h"
#include "featup/measure/jittered_view.h"
#include "featup/photo/preprocess.h"

namespace fu::book {

/// A photo of `side` x `side` pixels, drawn by the program, so that it needs no file and no licence.
struct Subject {
  explicit Subject(Index side = 224);

  Image photo;
  Tensor image;              // normalised, (1,side,side,3)
  FeatureFunction features;  // of the built-in backbone: cells of 16 pixels
  Tensor low;                // (1,h,w,C): features of the photo

  /// The map of an upsampler, by its name in the registry: (1,side,side,C).
  Tensor upsampled(const std::string& name) const;
  /// Views of the photo through jitters of the published sizes, drawn from `seed`.
  std::vector<JitteredView> views(Index count, std::uint64_t seed) const;
};

/// The largest difference of two tensors of one size, as a share of the largest number in b.
double difference(const Tensor& a, const Tensor& b);
/// Prints that two results are equal to that share of the largest number. throws UsageError if they are not.
void say_equal(const std::string& what, const Tensor& a, const Tensor& b, double most = 2e-5);

}  // namespace fu::book
