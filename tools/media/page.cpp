#include "tools/media/page.h"

#include <algorithm>
#include <cmath>

#include "tools/media/page_data.h"

namespace fu {

// tools/media/page.html, in a file that the build makes.
extern const char kPage[];

namespace {

constexpr double kPageBytes = 3.4e6;  // for the components; the photo and the page itself come on top

char quantised(double share) {
  return static_cast<char>(static_cast<signed char>(std::lround(std::clamp(share, -1.0, 1.0) * 127)));
}

nlohmann::json components(const Tensor& x, const std::vector<double>& scales) {
  std::string bytes;
  for (Index i = 0; i < x.size(); ++i)
    bytes += quantised(static_cast<double>(x.data()[i]) / (127 * scales[usize(i % x.dim(3))]));
  return {{"height", x.dim(1)}, {"width", x.dim(2)}, {"values", base64(bytes)}};
}

}  // namespace

void add_lengths(PageData& page) {
  const Tensor& x = page.high;
  Tensor lengths({x.dim(1), x.dim(2)});
  const Index k = x.dim(3);
  for (Index p = 0; p < lengths.size(); ++p) {
    double square = 0;
    for (Index j = 0; j < k; ++j) square += std::pow(static_cast<double>(x.data()[p * k + j]), 2);
    lengths.data()[p] = static_cast<real>(std::sqrt(square));
  }
  page.maps.push_back({"magnitude of the features less their mean", lengths});
}

Index page_components(Index pixels) {
  return std::clamp<Index>(static_cast<Index>(kPageBytes * 3 / 4 / static_cast<double>(pixels)), 3, 32);
}

std::string html_page(const PageData& d) {
  const Index k = d.high.dim(3);
  require<ShapeError>(d.low.rank() == 4 && d.high.rank() == 4 && d.low.dim(3) == k && k >= 1, "[page] low ",
                      d.low.shape(), ", high ", d.high.shape(), ": must be (1,h,w,K) and (1,H,W,K).");
  std::vector<double> scales(usize(k), 1e-12);
  for (const Tensor* x : {&d.low, &d.high})
    for (Index i = 0; i < x->size(); ++i) {
      double& scale = scales[usize(i % k)];
      scale = std::max(scale, std::abs(static_cast<double>(x->data()[i])) / 127);
    }
  nlohmann::json json;
  json["name"] = d.name, json["scales"] = scales;
  json["photo"] = picture_address(d.photo);
  json["low"] = components(d.low, scales), json["high"] = components(d.high, scales);
  json["maps"] = json["curves"] = json["settings"] = nlohmann::json::array();
  for (const PageData::Map& map : d.maps) {
    const RangedBytes ranged = ranged_bytes(map.values.data(), map.values.size());
    json["maps"].push_back({{"name", map.name},
                            {"low", ranged.low},
                            {"high", ranged.high},
                            {"height", map.values.dim(0)},
                            {"width", map.values.dim(1)},
                            {"values", base64(ranged.bytes)}});
  }
  for (const PageData::Curve& curve : d.curves)
    if (!curve.values.empty()) {
      require<ShapeError>(curve.at.size() == curve.values.size(), "[page] ", curve.name, ": ", curve.values.size(),
                          " values at ", curve.at.size(), " places: must be as many.");
      json["curves"].push_back({{"name", curve.name}, {"values", curve.values}, {"x", curve.x}, {"at", curve.at}});
    }
  for (const auto& [key, value] : d.settings) json["settings"].push_back({key, value});
  return filled_page(kPage, std::move(json));
}

}  // namespace fu
