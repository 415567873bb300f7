#include "featup/photo/jitter.h"

#include <cmath>

namespace fu {

namespace {

Index zoomed(Index n, const Jitter& j) {
  const Index padded = n + 2 * j.max_pad;
  return j.zoom > 1 ? static_cast<Index>(std::floor(static_cast<double>(padded) * j.zoom)) : padded;
}

AxisMap axis(const Jitter& j, Index n, Index begin, bool flip) {
  AxisMap map = reflect_axis(n, j.max_pad);
  if (j.zoom > 1) map = zoom_axis(n + 2 * j.max_pad, j.zoom).after(map);
  map = crop_axis(map.n_out(), begin, n).after(map);
  return flip ? flip_axis(n).after(map) : map;
}

}  // namespace

ImageMaps jitter_maps(const Jitter& j, Index h, Index w) {
  require<ShapeError>(h > j.max_pad && w > j.max_pad && j.top >= 0 && j.left >= 0 && j.top + h <= zoomed(h, j) &&
                          j.left + w <= zoomed(w, j),
                      "[jitter] image of ", h, "x", w, ", pad ", j.max_pad, ", zoom ", j.zoom, ", crop at (", j.top,
                      ",", j.left, "): the crop must fit, and the image be larger than the pad.");
  return {axis(j, h, j.top, false), axis(j, w, j.left, j.flip)};
}

Jitter draw_jitter(Random& random, Index h, Index w, Index max_pad, double max_zoom) {
  Jitter j;
  j.max_pad = max_pad;
  if (random.uniform() > real(0.5)) j.zoom = static_cast<double>(random.uniform(1, static_cast<real>(max_zoom)));
  j.top = random.below(zoomed(h, j) - h + 1);
  j.left = random.below(zoomed(w, j) - w + 1);
  j.flip = random.uniform() > real(0.5);
  return j;
}

}  // namespace fu
