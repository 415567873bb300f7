// A photo as the guide of upsamplers.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "featup/upsamplers/upsampler.h"

namespace fu {

/// A photo at any size, always the same part of it. Each size is made once, and kept.
class PhotoViews {
 public:
  /// cropped: every size shows the middle of the photo, as much as its shape covers; else all of it, stretched to the
  /// shape.
  PhotoViews(Image photo, bool cropped) : photo_(std::move(photo)), cropped_(cropped) {}
  const Image& photo() const { return photo_; }
  /// The photo at that size, made at the first call for it. Valid while this lives. Not for several threads at a time.
  const Image& at(Index height, Index width) const;

 private:
  Image photo_;
  bool cropped_;
  mutable std::map<std::pair<Index, Index>, Image> made_;
};

/// What upsamplers are guided by: the normalised photo at the size they ask for, `own` where they ask for 0 x 0. It
/// keeps the views alive.
Guide guide_of(std::shared_ptr<const PhotoViews> views, Extent own);

}  // namespace fu
