#include "tools/media/fit_page.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>

#include "featup/upsamplers/components_map.h"
#include "tools/media/fit_record.h"
#include "tools/media/page_data.h"

namespace fu {

PageData page_of_fit(const FittedMap& fit) {
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

}  // namespace fu
