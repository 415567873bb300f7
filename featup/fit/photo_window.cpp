#include "featup/fit/photo_window.h"

#include <algorithm>
#include <cmath>

namespace fu {

namespace {

/// The smallest size of the fit's own aspect, or nearly, that covers `size`.
Extent covering(const FittedMap& fit, Extent size) {
  const auto own_height = static_cast<double>(fit.photo.height), own_width = static_cast<double>(fit.photo.width);
  const double scale =
      std::max(static_cast<double>(size.height) / own_height, static_cast<double>(size.width) / own_width);
  return {static_cast<Index>(std::ceil(scale * own_height)), static_cast<Index>(std::ceil(scale * own_width))};
}

Image part_of(const FittedMap& fit, const Image* photo, Extent size, const ImagePart& part) {
  if (!photo) return resize_part(fit.photo, size, part);
  const auto cropped = fit.settings.find("cropped");
  if (cropped == fit.settings.end() || cropped->second != "1") return resize_part(*photo, size, part);
  const Extent fitted = covering(fit, size);
  if (fitted.height == size.height && fitted.width == size.width) return cover_part(*photo, fitted, part);
  return resize_part(cover(*photo, fitted.height, fitted.width), size, part);
}

}  // namespace

PhotoWindow photo_window(const FittedMap& fit, const Image* photo, Extent size, const ImagePart& part) {
  return {part_of(fit, photo, size, part), size, part.top, part.left};
}

}  // namespace fu
