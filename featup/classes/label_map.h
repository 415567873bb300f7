// From low-resolution features to a class for every pixel, with bounded memory however many classes there are.
#pragma once

#include <functional>

#include "featup/classes/classes.h"
#include "featup/measure/segmentation.h"
#include "featup/upsamplers/upsampler.h"

namespace fu {

/// The number of a pixel that no class is sure enough of.
constexpr unsigned char kNoClass = 255;
/// Classes of a label map at most: their numbers and kNoClass fit into a byte.
constexpr Index kMostClasses = 255;
/// Scores in memory at a time: 128 MB, held twice.
constexpr Index kScoresAtATime = Index{1} << 25;

/// A class in a photo.
struct ClassShare {
  Index pixels = 0;          // whose best class it is
  double confidence = 0;     // mean over its pixels; 0 without any
  double low = 0, high = 0;  // its smallest and largest score in the photo
};

/// What label_pixels() found.
struct LabelMap {
  Extent size;                      // height and width of the following
  Labels labels;                    // (height,width)
  std::vector<float> confidence;    // (height,width), 0 to 1: the probability, or activation, of the pixel's class
  std::vector<ClassShare> classes;  // K
};

/// Scores of one class in the photo, while they are at hand.
struct ScorePlane {
  Index number;        // of the class
  const real* scores;  // (height,width)
  double low, high;    // the smallest and the largest of them
};

/// Upsamples the classes' scores and takes the best class of every pixel; kNoClass where its probability or activation
/// is below `threshold`. each: called for every class in their order, from one thread; may be empty.
///   features (1,h,w,C), as the backbone gives them
/// memory: some 10 bytes a pixel, and the scores of as many classes at a time as there is leave for, at least one; of a
/// method that looks at the photo many times, those of all classes; of classes with hidden_after, the upsampled
/// features. throws ShapeError as score_source(); UsageError for no classes, or more than kMostClasses.
LabelMap label_pixels(const Upsampler& upsampler, const Tensor& features, const Guide& guide, Extent size,
                      const Classes& classes, double threshold, const std::function<void(const ScorePlane&)>& each,
                      const Progress& progress = {}, Index scores_at_a_time = kScoresAtATime);

/// Upsampled scores of all classes, (1,height,width,K), for those who want them all, or whose outputs are numbers and
/// no classes. memory: the result; of classes with hidden_after, also the upsampled features.
Tensor upsampled_scores(const Upsampler& upsampler, const Tensor& features, const Guide& guide, Extent size,
                        const Classes& classes, const Progress& progress = {});

}  // namespace fu
