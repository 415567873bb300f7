#include "tools/web/web_page.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "core/ops/pca.h"
#include "featup/api/c_handles.h"
#include "featup/fit/fitted_map.h"
#include "tools/media/page.h"
#include "tools/media/page_data.h"

using namespace fu;
using namespace fu::c;

namespace {

constexpr double kBackboneShare = 0.4;  // of the time

/// As a map over channels: x -> (x - mean) components^T.
ChannelMap map_to(const Pca& pca) {
  const Index outputs = pca.components.dim(0), channels = pca.components.dim(1);
  ChannelMap map{Tensor({channels, outputs}), Tensor({outputs})};
  for (Index k = 0; k < outputs; ++k) {
    double shift = 0;
    for (Index c = 0; c < channels; ++c) {
      const real value = pca.components.data()[k * channels + c];
      map.matrix.data()[c * outputs + k] = value;
      shift += static_cast<double>(value) * static_cast<double>(pca.mean.data()[c]);
    }
    map.offset.data()[k] = static_cast<real>(-shift);
  }
  return map;
}

/// The components of coarse features that a page of that many pixels has room for.
Pca components_of(const Tensor& low, Index pixels) {
  return fit_pca(low, std::min(page_components(pixels), low.dim(3)));
}

std::vector<std::pair<std::string, std::string>> settings_of(const char* text) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::istringstream lines(text ? text : "");
  lines.imbue(std::locale::classic());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) settings.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  }
  return settings;
}

/// The page of features, and of the image that they belong to.
char* page_text(const Image& image, const char* name, const char* settings, Tensor low, Tensor high) {
  PageData data;
  data.name = name ? name : "";
  data.photo = resize_antialiased(image, high.dim(1), high.dim(2));
  data.low = std::move(low), data.high = std::move(high);
  add_lengths(data);
  data.settings = settings_of(settings);
  const std::string text = html_page(data);
  auto* const page = static_cast<char*>(std::malloc(text.size() + 1));
  if (!page) throw std::bad_alloc();
  std::memcpy(page, text.c_str(), text.size() + 1);
  return page;
}

}  // namespace

fu_status fu_page_of_upsampler(const fu_upsampler* upsampler, const fu_scene* scene, const char* name,
                               const char* settings, const fu_progress* progress, char** page) {
  return guarded([&] {
    needed(page, "page") = nullptr;
    const Scene seen(scene);
    seen.require_map();
    const Tensor low = seen.features(progress_of(progress, "backbone", 0, kBackboneShare));
    const Extent whole = result_size(0, 0, seen), shown = shown_extent(whole, kPagePixels);
    const Pca pca = components_of(low, shown.height * shown.width);
    const ChannelMap map = map_to(pca);
    const Tensor high = (*needed(upsampler, "upsampler").upsampler)(
        low, seen.guide(), shown, &map, progress_of(progress, "upsample", kBackboneShare, 1));
    *page = page_text(image_of(*scene->image), name, settings, pca.project(low), high);
  });
}

fu_status fu_page_of_fit(const fu_fit* fit, const fu_image* image, const char* name, const char* settings,
                         char** page) {
  return guarded([&] {
    needed(page, "page") = nullptr;
    const FittedMap& fitted = needed(fit, "fit").map;
    const Extent shown = shown_extent({fitted.photo.height, fitted.photo.width}, kPagePixels);
    const Pca pca = components_of(fitted.low, shown.height * shown.width);
    const ChannelMap map = map_to(pca);
    const Image photo = resize_antialiased(fitted.photo, shown.height, shown.width);
    FittedRenderer renderer(fitted, photo, &map);
    Tensor high({1, shown.height, shown.width, renderer.channels()});
    renderer.render(0, 0, shown.height, shown.width, high.data());
    *page = page_text(image ? image_of(*image) : photo, name, settings, pca.project(fitted.low), high);
  });
}
