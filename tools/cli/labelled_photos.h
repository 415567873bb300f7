// Photos with a class for every pixel, from two folders.
#pragma once

#include <string>
#include <vector>

#include "featup/measure/segmentation.h"
#include "featup/probes/pixel_samples.h"

namespace fu {

struct LabelledPhoto {
  std::string photo, labels;  // paths
  std::string stem;           // of the photo: its path in the folder that was given, without ending
};

/// Photos of a folder, each with the labels of the same name in another: the same path in both, or, where folders are
/// arranged otherwise, the only labels of that name. left_out: what the folders hold besides pictures is added, in
/// words. arrays: .npy files are labels too. throws FileError if a photo has no labels, or several, or there are no
/// photos.
std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels, std::string& left_out,
                                           bool arrays = false);

/// A photo and its labels, cut to whole patches around the middle; never scaled.
struct CutPhoto {
  Image photo;
  Labels labels;

  /// Labels are a class a pixel: grey levels, or the numbers of a palette's colours (see read_label_picture). throws
  /// FileError if they have another size than the photo, or the photo is smaller than a patch.
  CutPhoto(const LabelledPhoto& pair, Index patch);
  /// Its labels beside its features (1,h,w,C).
  LabelledFeatures with_features(const Tensor& features) const;
};

}  // namespace fu
