#include "tools/media/page_data.h"

#include <algorithm>
#include <cmath>

#include "tools/media/heat_ramp.h"
#include "tools/media/image_io.h"

namespace fu {

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

RangedBytes ranged_bytes(const real* values, Index n, Index step) {
  double low = INFINITY, high = -INFINITY;
  for (Index i = 0; i < n; ++i) {
    const auto v = static_cast<double>(values[i * step]);
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  }
  RangedBytes out{0, 0, std::string(usize(n), '\0')};
  if (!(low <= high)) return out;
  out.low = low, out.high = high;
  const double scale = high > low ? 255 / (high - low) : 0;
  for (Index i = 0; i < n; ++i) {
    const auto v = static_cast<double>(values[i * step]);
    out.bytes[usize(i)] = static_cast<char>(std::isfinite(v) ? std::lround((v - low) * scale) : 0);
  }
  return out;
}

std::string picture_address(const Image& image, const std::string& name) {
  return "data:image/png;base64," + base64(encode_png(image, name));
}

Extent shown_extent(Extent map, double pixels) {
  const double shrink = std::min(1.0, std::sqrt(pixels / static_cast<double>(map.height * map.width)));
  const auto shrunk = [&](Index n) { return std::max<Index>(1, static_cast<Index>(static_cast<double>(n) * shrink)); };
  return {shrunk(map.height), shrunk(map.width)};
}

std::string filled_page(const char* page, nlohmann::json data) {
  data["ramp"] = heat_stops();
  std::string text = data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), safe;
  safe.reserve(text.size());
  // A script element ends at "</script", and "<!--" changes where: in JSON, "<" only stands in strings.
  for (char c : text) c == '<' ? safe += "\\u003c" : safe += c;
  std::string filled = page;
  const std::string mark = "/*DATA*/null";
  filled.replace(filled.find(mark), mark.size(), safe);
  return filled;
}

}  // namespace fu
