#include "tools/media/page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/media/image_io.h"

namespace fu {

// tools/media/page.html, in a file that the build makes.
extern const char kPage[];

namespace {

constexpr double kPageBytes = 3.4e6;  // for the components; the photo and the page itself come on top

std::string base64(const std::string& bytes) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(bytes.size() * 4 / 3 + 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[k])) : 0u;
    };
    const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (int d = 0; d < 4; ++d)
      text += i + static_cast<std::size_t>(d) > bytes.size() ? '=' : kDigits[group >> (18 - 6 * d) & 63];
  }
  return text;
}

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
  json["photo"] = "data:image/png;base64," + base64(encode_png(d.photo, d.name));
  json["low"] = components(d.low, scales), json["high"] = components(d.high, scales);
  json["maps"] = json["curves"] = json["settings"] = nlohmann::json::array();
  for (const PageData::Map& map : d.maps) {
    const real* values = map.values.data();
    const real low = *std::min_element(values, values + map.values.size());
    const real high = *std::max_element(values, values + map.values.size());
    const double from = static_cast<double>(low), range = std::max(1e-30, static_cast<double>(high) - from);
    std::string bytes;
    for (Index i = 0; i < map.values.size(); ++i)
      bytes += quantised((static_cast<double>(values[i]) - from) / range * 2 - 1);
    json["maps"].push_back({{"name", map.name},
                            {"low", from},
                            {"high", high},
                            {"height", map.values.dim(0)},
                            {"width", map.values.dim(1)},
                            {"values", base64(bytes)}});
  }
  for (const PageData::Curve& curve : d.curves)
    if (!curve.values.empty()) json["curves"].push_back({{"name", curve.name}, {"values", curve.values}});
  for (const auto& [key, value] : d.settings) json["settings"].push_back({key, value});
  // Inside a script, "</" would end it.
  std::string text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");
  std::string page = kPage;
  const std::string mark = "/*DATA*/null";
  page.replace(page.find(mark), mark.size(), text);
  return page;
}

}  // namespace fu
