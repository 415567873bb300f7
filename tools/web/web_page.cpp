#include "tools/web/web_page.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "featup/api/c_handles.h"
#include "featup/upsamplers/components_map.h"
#include "tools/media/fit_page.h"
#include "tools/media/page_data.h"

using namespace fu;
using namespace fu::c;

namespace {

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

char* text_of(PageData page, const char* name, const char* settings) {
  page.name = name ? name : "";
  page.settings = settings_of(settings);
  const std::string text = html_page(page);
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (!copy) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
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
    const Pca pca = fit_pca(low, std::min(page_components(shown.height * shown.width), low.dim(3)));
    const ChannelMap map = map_to(pca);
    PageData data;
    data.high = (*needed(upsampler, "upsampler").upsampler)(low, seen.guide(), shown, &map,
                                                            progress_of(progress, "upsample", kBackboneShare, 1));
    data.low = pca.project(low);
    data.photo = resize_antialiased(image_of(*scene->image), shown.height, shown.width);
    add_lengths(data);
    *page = text_of(std::move(data), name, settings);
  });
}

fu_status fu_page_of_fit(const fu_fit* fit, const char* name, const char* settings, char** page) {
  return guarded([&] {
    needed(page, "page") = nullptr;
    *page = text_of(page_of_fit(needed(fit, "fit").map), name, settings);
  });
}
