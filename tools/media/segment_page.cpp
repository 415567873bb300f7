#include "tools/media/segment_page.h"

#include <algorithm>

#include "tools/media/page_data.h"

namespace fu {

// tools/media/segment_page.html, in a file that the build makes.
extern const char kSegmentPage[];

std::string segment_page(const SegmentPageData& d) {
  const auto k = static_cast<Index>(d.names.size());
  require<ShapeError>(d.scores.rank() == 4 && d.scores.dim(0) == 1 && d.scores.size() > 0 && d.scores.dim(3) == k &&
                          d.colors.size() == d.names.size() && k <= kSegmentPageClasses,
                      "[segment_page] scores ", d.scores.shape(), ", ", k, " names, ", d.colors.size(),
                      " colours: must be (1,H,W,K), K and K; K at most ", kSegmentPageClasses, ".");
  const Index height = d.scores.dim(1), width = d.scores.dim(2);
  nlohmann::json json = {
      {"name", d.name},       {"height", height},          {"width", width}, {"scale", d.scale}, {"bias", d.bias},
      {"sigmoid", d.sigmoid}, {"activation", d.activation}};
  json["least"] = d.least >= 0 ? d.least : d.sigmoid || d.activation ? 0.5 : 0;
  const bool fits = d.photo.height == height && d.photo.width == width;
  json["photo"] = picture_address(fits ? d.photo : resize_antialiased(d.photo, height, width));
  std::string scores;
  for (Index c = 0; c < k; ++c) {
    const RangedBytes ranged = ranged_bytes(d.scores.data() + c, height * width, k);
    scores += ranged.bytes;
    json["classes"].push_back(
        {{"name", d.names[usize(c)]}, {"color", d.colors[usize(c)]}, {"low", ranged.low}, {"high", ranged.high}});
  }
  json["settings"] = nlohmann::json::array();
  for (const auto& [key, value] : d.settings) json["settings"].push_back({key, value});
  return filled_page(kSegmentPage, std::move(json), "scores", base64(scores));
}

Extent segment_page_extent(Extent result, Index classes) {
  // Base64 makes 4 bytes of 3. A photo of noise is stored in 3.4 bytes a pixel. Browsers draw 300000 pixels without
  // delay.
  constexpr double kBytes = 3.85e6, kMost = 300000;
  return shown_extent(result, std::min(kMost, kBytes / (4.0 / 3 * (static_cast<double>(classes) + 3.4))));
}

}  // namespace fu
