#include "tools/media/curve_picture.h"

#include <algorithm>
#include <cmath>

#include "tools/media/axis.h"
#include "tools/media/pixel_text.h"

namespace fu {

namespace {

constexpr Rgb kGrid = {225, 229, 233}, kCurve = {0, 114, 178};
constexpr std::size_t kDots = 30;

struct Range {
  double low, high;
  double share(double v) const { return high > low ? (v - low) / (high - low) : 0.5; }
};

Range range_of(const std::vector<double>& values) {
  return {*std::min_element(values.begin(), values.end()), *std::max_element(values.begin(), values.end())};
}

/// Where the curve lies in its picture.
struct Plot {
  Image& image;
  Index top, left, height, width, scale;
  Range x, y;

  Index row(double v) const { return top + std::lround((1 - y.share(v)) * static_cast<double>(height - 1)); }
  Index column(double v) const { return left + std::lround(x.share(v) * static_cast<double>(width - 1)); }

  void axes(const Axis& along, const Axis& up) {
    for (std::size_t i = 0; i < up.ticks.size(); ++i) {
      const Index at = row(up.ticks[i]);
      fill_box(image, at, left, 1, width, kGrid);
      draw_text(image, at - 3 * scale, left - (text_width(up.numbers[i]) + 3) * scale, up.numbers[i], kSoftInk, scale);
    }
    Index free = 0;  // up to where numbers stand already
    for (std::size_t i = 0; i < along.ticks.size(); ++i) {
      const Index at = column(along.ticks[i]), wide = text_width(along.numbers[i], scale);
      fill_box(image, top, at, height, 1, kGrid);
      const Index begin = std::min(at - wide / 2, image.width - wide - scale);
      if (begin >= free) draw_text(image, top + height + 4 * scale, begin, along.numbers[i], kSoftInk, scale);
      if (begin >= free) free = begin + wide + kTextStep * scale;
    }
    fill_box(image, top, left - scale, height + scale, scale, kSoftInk);
    fill_box(image, top + height, left - scale, scale, width + scale, kSoftInk);
  }

  void curve(const std::vector<double>& at, const std::vector<double>& values) {
    const Index thick = scale + 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Index r = row(values[i]), c = column(at[i]);
      if (values.size() <= kDots) fill_box(image, r - 2 * scale, c - 2 * scale, 4 * scale + 1, 4 * scale + 1, kCurve);
      if (i == 0) continue;
      const Index r0 = row(values[i - 1]), c0 = column(at[i - 1]), n = std::max({Index{1}, std::abs(r - r0), c - c0});
      for (Index k = 0; k <= n; ++k)
        fill_box(image, r0 + (r - r0) * k / n - thick / 2, c0 + (c - c0) * k / n, thick, thick, kCurve);
    }
  }
};

}  // namespace

Image curve_picture(const std::vector<double>& values, Index height, Index width, const CurveLabels& labels) {
  require<ShapeError>(labels.x.empty() || labels.x.size() == values.size(), "[curve_picture] ", values.size(),
                      " values at ", labels.x.size(), " places: must be as many.");
  Image image = blank(height, width);
  const Index scale = text_scale(height), line = (kTextHeight + 3) * scale;
  draw_text(image, 2 * scale, 4 * scale,
            shortened(labels.title, usize(std::max<Index>(2, width / (kTextStep * scale) - 1))), kInk, scale);
  std::vector<double> at, finite;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) {
      finite.push_back(values[i]);
      at.push_back(labels.x.empty() ? static_cast<double>(i + 1) : labels.x[i]);
    }
  if (finite.empty()) {
    draw_text(image, 2 * line, 4 * scale, "no numbers", kSoftInk, scale);
    return image;
  }
  const Range x = range_of(at), y = range_of(finite);
  const Index top = line + 6 * scale, below = line + (labels.x_name.empty() ? 0 : line) + 4 * scale,
              plot_height = std::max<Index>(2, height - top - below);
  const Axis up = axis_of(y.low, y.high, static_cast<int>(std::clamp<Index>(plot_height / (2 * line), 1, 6)));
  Index numbers = 0;
  for (const std::string& number : up.numbers) numbers = std::max(numbers, text_width(number, scale));
  const Index left = numbers + 8 * scale, plot_width = std::max<Index>(2, width - left - 8 * scale);
  const Axis along = axis_of(x.low, x.high, static_cast<int>(std::clamp<Index>(plot_width / (50 * scale), 1, 6)));
  Plot plot{image, top, left, plot_height, plot_width, scale, x, y};
  plot.axes(along, up);
  plot.curve(at, finite);
  draw_text(image, height - line, left + std::max<Index>(0, (plot_width - text_width(labels.x_name, scale)) / 2),
            labels.x_name, kSoftInk, scale);
  return image;
}

}  // namespace fu
