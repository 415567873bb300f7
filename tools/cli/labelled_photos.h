// Photos with a class for every pixel, from two folders.
#pragma once

#include <string>
#include <vector>

#include "featup/measure/segmentation.h"

namespace fu {

struct LabelledPhoto {
  std::string photo, labels;  // paths
  std::string stem;           // of the photo: its name without folder and ending
};

/// Photos of a folder, each with the labels of the same name in another. throws FileError if one has none, or there are
/// no photos.
std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels);

/// A photo and its labels, cut to whole patches around the middle; never scaled.
struct CutPhoto {
  Image photo;
  Labels labels;

  /// Labels are a grey picture, a class a pixel. throws FileError if they have another size than the photo, or the
  /// photo is smaller than a patch.
  CutPhoto(const LabelledPhoto& pair, Index patch);
};

}  // namespace fu
