#include "tools/media/page_data.h"

#include <algorithm>
#include <cmath>

#include "tools/media/heat_ramp.h"
#include "tools/media/indexed_png.h"

namespace fu {

std::string base64(const std::string& bytes) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  const auto at = [&bytes](std::size_t k) {
    return k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[k])) : 0u;
  };
  for (std::size_t i = 0, to = 0; i < bytes.size(); i += 3) {
    const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    const std::size_t digits = std::min<std::size_t>(bytes.size() - i, 3) + 1;
    for (std::size_t d = 0; d < digits; ++d) text[to + d] = kDigits[group >> (18 - 6 * d) & 63];
    to += 4;
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
    out.bytes[usize(i)] = static_cast<char>(std::isfinite(v) ? static_cast<int>((v - low) * scale + 0.5) : 0);
  }
  return out;
}

std::string picture_address(const Image& image) {
  return "data:image/png;base64," + base64(encode_rgb_png(image.height, image.width, image.rgb.data()));
}

Extent shown_extent(Extent map, double pixels) {
  const double shrink = std::min(1.0, std::sqrt(pixels / static_cast<double>(map.height * map.width)));
  const auto shrunk = [&](Index n) { return std::max<Index>(1, static_cast<Index>(static_cast<double>(n) * shrink)); };
  return {shrunk(map.height), shrunk(map.width)};
}

std::string filled_page(const char* page, nlohmann::json data, const std::string& key, const std::string& value) {
  data["ramp"] = heat_stops();
  if (!key.empty()) data[key] = "";
  const std::string text = data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size() + value.size());
  // A script element ends at "</script", and "<!--" changes where: in JSON, "<" only stands in strings.
  for (char c : text) c == '<' ? safe += "\\u003c" : safe += c;
  // Inside of a text, quotes have a backslash before them: this is the key itself.
  const std::string empty = '"' + key + "\":\"";
  if (!key.empty()) safe.insert(safe.find(empty) + empty.size(), value);
  std::string filled = page;
  const std::string mark = "/*DATA*/null";
  filled.replace(filled.find(mark), mark.size(), safe);
  return filled;
}

}  // namespace fu
