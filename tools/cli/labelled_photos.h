// Photos with a class for every pixel, from two folders.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "featup/measure/segmentation.h"
#include "featup/probes/pixel_samples.h"

namespace fu {

struct LabelledPhoto {
  std::string photo, labels;  // paths
  std::string stem;           // of the photo: its path in the folder that was given, without ending
};

/// The labels that a folder holds, by the names of their photos.
class LabelFiles {
 public:
  /// left_out: what the folder holds besides pictures is added, in words. arrays: .npy files are labels too.
  LabelFiles(const std::string& folder, std::string& left_out, bool arrays = false);
  /// The labels of a photo whose path in the folder that was given is `stem`, without ending: those at the same path,
  /// or else the only ones of that name. Empty if there are none. throws FileError if there are several.
  std::string of(const std::string& photo, const std::string& stem) const;

 private:
  std::string folder_;
  std::map<std::string, std::string> by_path_;
  std::map<std::string, std::vector<std::string>> by_name_;
};

/// Photos of a folder, each with the labels of the same name in another: the same path in both, or, where folders are
/// arranged otherwise, the only labels of that name. left_out: what the folders hold besides pictures is added, in
/// words. arrays: .npy files are labels too. throws FileError if a photo has no labels, or several, or there are no
/// photos.
std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels, std::string& left_out,
                                           bool arrays = false);

/// A part of a photo, in its own pixels.
struct Part {
  Index top = 0, left = 0, height = 0, width = 0;
};
/// The middle height x width pixels.
Part middle_part(Extent photo, Index height, Index width);
/// What cover() shows of a photo, to the pixel.
Part covered_part(Extent photo, Extent size);

/// The labels of a picture's pixels, as CutPhoto reads them. throws FileError if the picture has another size than its
/// photo.
Labels read_labels(const std::string& path, Extent photo);

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
