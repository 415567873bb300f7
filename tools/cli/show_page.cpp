#include "tools/cli/show_page.h"

#include <algorithm>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "tools/cli/parse.h"
#include "tools/media/image_io.h"
#include "tools/media/page_data.h"
#include "tools/media/pictures.h"

namespace fu {

PageData page_of_map(const std::string& path, const std::string& layout, const std::string& image,
                     const std::string& low_path) {
  PageData page;
  const Image photo = image.empty() ? Image() : read_image(image);
  Tensor map = read_features(path, parse_layout(layout), {photo.height, photo.width});
  const auto [h, w] = shown_extent({map.dim(1), map.dim(2)}, kPagePixels);
  if (h < map.dim(1) || w < map.dim(2)) map = adaptive_avg_pool(map, h, w);
  const auto pooled = [](Index n) { return std::max<Index>(1, n / 16); };
  const Tensor low = low_path.empty() ? adaptive_avg_pool(map, pooled(map.dim(1)), pooled(map.dim(2)))
                                      : read_features(low_path, parse_layout(layout), {map.dim(1), map.dim(2)});
  require<UsageError>(low.dim(3) == map.dim(3), low_path, ": has ", low.dim(3), " channels, ", path, " has ",
                      map.dim(3), ".");
  page.photo = photo.height > 0 ? resize_antialiased(photo, map.dim(1), map.dim(2)) : FeatureColors(map).paint(map);
  const Pca pca = fit_pca(map, std::min(page_components(map.dim(1) * map.dim(2)), map.dim(3)));
  page.low = pca.project(low), page.high = pca.project(map);
  page.settings = {{"features", path},
                   {"channels", std::to_string(map.dim(3))},
                   {"photo", image.empty() ? "not given: colours of the features in its place" : image},
                   {"low resolution", low_path.empty() ? "the map, pooled 16 by 16" : low_path}};
  add_lengths(page);
  return page;
}

}  // namespace fu
