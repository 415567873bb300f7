// The scatter chart of chart.h.
#include <algorithm>
#include <cmath>

#include "tools/media/axis.h"
#include "tools/media/chart.h"
#include "tools/media/pixel_text.h"
#include "tools/media/svg_text.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

constexpr double kWidth = 760, kHeight = 440, kLeft = 70, kRight = 740, kTop = 62, kBottom = 352;
constexpr double kRadius = 6, kLetter = 6.7;
constexpr std::size_t kLongestName = 40;
constexpr const char *kGrid = "#d5dbe1", *kSoft = "#5b6672";
// Okabe's and Ito's colours; each has a shape of its own, too.
constexpr const char* kColors[] = {"#6b7580", "#0072b2", "#d55e00", "#009e73"};

struct Box {
  double left, top, right, bottom;

  bool meets(const Box& b) const { return left < b.right && b.left < right && top < b.bottom && b.top < bottom; }
  bool inside(const Box& b) const { return left >= b.left && right <= b.right && top >= b.top && bottom <= b.bottom; }
};

/// Square, circle, triangle, diamond.
std::string mark(double x, double y, std::size_t group) {
  const auto at = [](double v) { return svg_number(v, 1); };
  const std::string look = std::string("\" fill=\"") + kColors[group % 4] + "\" stroke=\"#fff\"/>\n";
  if (group % 4 == 1) return "<circle cx=\"" + at(x) + "\" cy=\"" + at(y) + "\" r=\"" + at(kRadius) + look;
  const std::string d = group % 4 == 0   ? "M" + at(x - 5.5) + " " + at(y - 5.5) + "h11v11h-11z"
                        : group % 4 == 2 ? "M" + at(x) + " " + at(y - 7) + "l7 12h-14z"
                                         : "M" + at(x) + " " + at(y - 7.5) + "l7.5 7.5l-7.5 7.5l-7.5 -7.5z";
  return "<path d=\"" + d + look;
}

/// Where the numbers lie in the picture.
struct Frame {
  double low_x = 1, high_x = 10, low_y = 0, high_y = 1;

  explicit Frame(const std::vector<ScatterPoint>& points) {
    if (points.empty()) return;
    const auto by_x = [](const ScatterPoint& a, const ScatterPoint& b) { return a.x < b.x; };
    const auto by_y = [](const ScatterPoint& a, const ScatterPoint& b) { return a.y < b.y; };
    const auto x = std::minmax_element(points.begin(), points.end(), by_x);
    const auto y = std::minmax_element(points.begin(), points.end(), by_y);
    low_x = x.first->x / 1.6, high_x = x.second->x * 1.6;
    const double margin = std::max(0.08 * (y.second->y - y.first->y), 1e-9 + 0.01 * std::abs(y.second->y));
    low_y = y.first->y - margin, high_y = y.second->y + margin;
  }
  double x(double v) const { return kLeft + (kRight - kLeft) * std::log(v / low_x) / std::log(high_x / low_x); }
  double y(double v) const { return kBottom - (kBottom - kTop) * (v - low_y) / (high_y - low_y); }
};

std::string axes(const Frame& frame, const ScatterChart& chart) {
  std::string svg;
  const std::string small = std::string("font-size=\"11\" fill=\"") + kSoft + "\" text-anchor=";
  const Axis x = log_axis_of(frame.low_x, frame.high_x), y = axis_of(frame.low_y, frame.high_y, 6);
  for (std::size_t i = 0; i < x.ticks.size(); ++i) {
    const double at = frame.x(x.ticks[i]);
    svg += svg_line("M" + svg_number(at, 1) + " " + svg_number(kTop, 1) + "V" + svg_number(kBottom + 4, 1), kGrid, 1);
    svg += svg_text(at, kBottom + 18, x.numbers[i], small + "\"middle\"");
  }
  for (std::size_t i = 0; i < y.ticks.size(); ++i) {
    const double at = frame.y(y.ticks[i]);
    svg += svg_line("M" + svg_number(kLeft - 4, 1) + " " + svg_number(at, 1) + "H" + svg_number(kRight, 1), kGrid, 1);
    svg += svg_text(kLeft - 8, at + 4, y.numbers[i], small + "\"end\"");
  }
  svg += svg_line("M" + svg_number(kLeft, 1) + " " + svg_number(kTop, 1) + "V" + svg_number(kBottom, 1) + "H" +
                      svg_number(kRight, 1),
                  kSoft, 1);
  const double middle = (kTop + kBottom) / 2;
  svg += svg_text((kLeft + kRight) / 2, kBottom + 38, chart.x_label, "text-anchor=\"middle\"");
  return svg + svg_text(18, middle, chart.y_label,
                        "text-anchor=\"middle\" transform=\"rotate(-90 18 " + svg_number(middle, 1) + ")\"");
}

/// Names beside their points, each in the first place that is free.
std::string names(const Frame& frame, const std::vector<ScatterPoint>& points) {
  std::vector<Box> taken;
  for (const ScatterPoint& p : points)
    taken.push_back({frame.x(p.x) - kRadius, frame.y(p.y) - kRadius, frame.x(p.x) + kRadius, frame.y(p.y) + kRadius});
  const Box plot{kLeft, kTop - 14, kRight + 10, kBottom};
  std::string svg;
  for (const ScatterPoint& p : points) {
    const std::string name = shortened(p.name, kLongestName);
    const double x = frame.x(p.x), y = frame.y(p.y), width = kLetter * static_cast<double>(name.size()), gap = 9;
    std::vector<Box> places;
    for (const double lift : {0.0, 13.0, -13.0, 26.0, -26.0}) {
      places.push_back({x + gap, y - 7 - lift, x + gap + width, y + 6 - lift});
      places.push_back({x - gap - width, y - 7 - lift, x - gap, y + 6 - lift});
      if (lift != 0) places.push_back({x - width / 2, y - 7 - lift, x + width / 2, y + 6 - lift});
    }
    const auto free = std::find_if(places.begin(), places.end(), [&](const Box& place) {
      return place.inside(plot) &&
             std::none_of(taken.begin(), taken.end(), [&](const Box& b) { return b.meets(place); });
    });
    const Box& place = free == places.end() ? places.front() : *free;
    taken.push_back(place);
    svg += svg_text((place.left + place.right) / 2, place.bottom - 2, name, "font-size=\"12\" text-anchor=\"middle\"");
  }
  return svg;
}

std::string legend(const ScatterChart& chart, const std::vector<ScatterPoint>& points) {
  std::string svg;
  double x = kLeft;
  for (std::size_t g = 0; g < chart.groups.size(); ++g) {
    if (std::none_of(points.begin(), points.end(), [&](const ScatterPoint& p) { return p.group == g; })) continue;
    svg += mark(x + 7, 44, g) + svg_text(x + 20, 48, chart.groups[g], "font-size=\"12\"");
    x += 20 + kLetter * static_cast<double>(chart.groups[g].size()) + 18;
  }
  return svg;
}

/// attributes: of the <svg> element.
std::string scatter(const ScatterChart& chart, const std::string& attributes) {
  std::vector<ScatterPoint> points;
  for (const ScatterPoint& p : chart.points)
    if (std::isfinite(p.x) && std::isfinite(p.y) && p.x > 0) points.push_back(p);
  const Frame frame(points);
  const double width = std::max(kWidth, 24 + 6.4 * static_cast<double>(chart.caption.size()));
  std::string svg = "<svg " + attributes + "viewBox=\"0 0 " + svg_number(width, 0) + " " + svg_number(kHeight, 0) +
                    "\" width=\"" + svg_number(width, 0) + "\" height=\"" + svg_number(kHeight, 0) +
                    "\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>" + svg_escaped(chart.title) +
                    "</title>\n<desc>" + svg_escaped(chart.caption) +
                    "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                    svg_text(12, 24, chart.title, "font-size=\"17\"") + axes(frame, chart);
  for (const ScatterPoint& p : points)
    if (p.group == 0)
      svg += "<path d=\"M" + svg_number(kLeft, 1) + " " + svg_number(frame.y(p.y), 1) + "H" + svg_number(kRight, 1) +
             "\" stroke=\"" + kColors[0] + "\" stroke-dasharray=\"5 4\" fill=\"none\"/>\n";
  for (const ScatterPoint& p : points) svg += mark(frame.x(p.x), frame.y(p.y), p.group);
  return svg + names(frame, points) + legend(chart, points) +
         svg_text(12, kHeight - 12, chart.caption, std::string("font-size=\"12\" fill=\"") + kSoft + "\"") + "</svg>\n";
}

}  // namespace

std::string scatter_chart_svg(const ScatterChart& chart) { return scatter(chart, ""); }

void write_scatter_chart(const std::string& path, const ScatterChart& chart) {
  const std::string svg = scatter(chart, "xmlns=\"http://www.w3.org/2000/svg\" ");
  write_whole_file(path, svg);
}

}  // namespace fu
