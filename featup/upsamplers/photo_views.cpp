#include "featup/upsamplers/photo_views.h"

namespace fu {

const Image& PhotoViews::at(Index height, Index width) const {
  if (height == photo_.height && width == photo_.width) return photo_;
  const auto [it, fresh] = made_.try_emplace({height, width});
  if (fresh) it->second = cropped_ ? cover(photo_, height, width) : resize_antialiased(photo_, height, width);
  return it->second;
}

Guide guide_of(std::shared_ptr<const PhotoViews> views, Extent own) {
  return [views = std::move(views), own](Index height, Index width) {
    return normalize(views->at(height > 0 ? height : own.height, width > 0 ? width : own.width));
  };
}

}  // namespace fu
