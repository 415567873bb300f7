// From a photo's file to its low-resolution features, as the options say.
#pragma once

#include <utility>

#include "featup/backbones/feature_function.h"
#include "featup/upsamplers/photo_views.h"
#include "tools/cli/arguments.h"
#include "tools/cli/report.h"

namespace fu {

// Pixels of a photo at the backbone at most, and of a result for which no size was given.
constexpr Index kMaxInput = Index{1} << 26, kMaxInputSide = 16384;

/// A photo with its low-resolution features.
struct PhotoFeatures {
  std::shared_ptr<const PhotoViews> views;
  Extent in_size;                // of the photo at the backbone
  Tensor features;               // (1,h,w,C)
  std::string features_read_as;  // of a file: which reading of its array was taken, in words; else empty
  /// With --size own: the photo before it was cut, and where the part begins that was kept. Else null.
  std::shared_ptr<const Image> uncut;
  Index top = 0, left = 0;

  Guide guide() const { return guide_of(views, in_size); }
};

/// Reads photos and computes their features, by a backbone or from the file that the options name.
class Featurizer {
 public:
  /// any_feature: also those that cannot be upsampled. throws FileError if there is no such backbone, UsageError for a
  /// size that is none or does not fit its patches.
  explicit Featurizer(const FeatureArgs& options, bool any_feature = false);
  /// The same with a backbone that is open already, in place of the one that the options name.
  Featurizer(const FeatureArgs& options, std::shared_ptr<const Backbone> backbone);

  std::string describe() const { return backbone_ ? backbone_->describe() : "features from " + options_.features; }
  /// Null where features come from a file.
  const Backbone* backbone() const { return backbone_.get(); }
  /// Sides given as HxW crop the photo; a short side alone keeps all of it. Features from a file see all of it too,
  /// unless --size says else.
  bool cropped() const { return size_.height > 0; }
  /// The photo at the backbone is as it is, without what is less than a patch.
  bool own_size() const { return size_.own; }
  /// Adds the stages "read", "preprocess" and "backbone" to the report. throws FileError for photos that cannot be
  /// read or are smaller than one patch, UsageError for sizes beyond kMaxInput.
  PhotoFeatures run(const std::string& path, Report& report, const Progress& progress) const;
  /// The same of a photo that is read already. name: stands in errors.
  PhotoFeatures run(const std::string& name, Image photo, Report& report, const Progress& progress) const;

 private:
  std::shared_ptr<const PhotoViews> views_of(const std::string& name, Image photo, PhotoFeatures& result) const;

  FeatureArgs options_;
  InputSize size_;
  std::shared_ptr<const Backbone> backbone_;
};

/// Puts into the report what the backbone is, and what was taken where its file leaves something open; says the latter
/// in one line, unless it is the one that the program carries. description: of features that come from elsewhere, where
/// there is no backbone.
void report_backbone(Report& report, const Backbone* backbone, const std::string& description,
                     const BackboneArgs& given, const CommonArgs& common);

/// The backbone as upsamplers and fits look through it; empty for none. It must not outlive the backbone.
FeatureFunction feature_function(const Backbone* backbone);

/// Throws UsageError unless sides are multiples of the backbone's patch.
void require_whole_patches(const std::string& size_given, Extent size, const Backbone& backbone);

}  // namespace fu
