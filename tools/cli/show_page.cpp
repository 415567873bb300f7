#include "tools/cli/show_page.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "tools/cli/channel_maps.h"
#include "tools/cli/fit_diagnostics.h"
#include "tools/cli/parse.h"
#include "tools/media/image_io.h"
#include "tools/media/page_data.h"
#include "tools/media/pictures.h"

namespace fu {

PageData page_of_fit(const std::string& path) {
  const FittedMap fit = FittedMap::load(path);
  PageData page;
  const auto [h, w] = shown_extent({fit.photo.height, fit.photo.width}, kPagePixels);
  page.photo = h < fit.photo.height || w < fit.photo.width ? resize_antialiased(fit.photo, h, w) : fit.photo;
  const Pca pca = fit_pca(fit.low, std::min(page_components(h * w), fit.channels()));
  const ChannelMap map = map_to(pca);
  FittedRenderer renderer(fit, page.photo, &map);
  page.high = Tensor({1, h, w, renderer.channels()});
  renderer.render(0, 0, h, w, page.high.data());
  page.low = pca.project(fit.low);
  if (const Tensor uncertainty = uncertainty_of(fit); uncertainty.size() > 0)
    page.maps.push_back({"uncertainty", uncertainty});
  if (fit.extra.count("history")) {
    const HistoryPlaces places = history_places(fit);
    page.curves.push_back({"loss", history_of(fit, HistoryColumn::loss), places.name, places.values});
    page.curves.push_back(
        {"explained variance of unseen views", history_of(fit, HistoryColumn::explained), places.name, places.values});
  }
  for (const char* key : {"input", "backbone", "size", "views", "steps", "explained", "seconds", "options"}) {
    const auto it = fit.settings.find(key);
    if (it == fit.settings.end()) continue;
    // These two stand in the file with all their digits.
    const bool measured = std::string(key) == "explained" || std::string(key) == "seconds";
    page.settings.emplace_back(
        key, measured ? cat(std::setprecision(3), std::strtod(it->second.c_str(), nullptr)) : it->second);
  }
  add_lengths(page);
  return page;
}

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
