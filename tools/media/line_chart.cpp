#include "tools/media/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "tools/media/axis.h"
#include "tools/media/svg_text.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

constexpr double kWidth = 760, kHeight = 420, kLeft = 76, kRight = 740, kTop = 66, kBottom = 336, kLetter = 6.4;
constexpr const char *kGrid = "#d5dbe1", *kSoft = "#5b6672";
// Okabe's and Ito's colours; dashes tell the lines apart without them.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73", "#6b7580", "#cc79a7", "#111111"};
constexpr const char* kDashes[] = {"", "7 4", "2 3", "9 3 2 3", "4 2", "12 4"};

struct Point {
  double x, y;
};

/// One axis: numbers to pixels.
struct Scale {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  double from = 0, to = 1;  // pixels
  bool log = false;

  bool shows(double v) const { return std::isfinite(v) && (!log || v > 0); }
  void take(double v) { low = std::min(low, v), high = std::max(high, v); }
  void finish(double margin) {
    if (!(low < high)) {
      const double middle = std::isfinite(low) ? low : log ? 1 : 0;
      low = log ? middle / 2 : middle - 1, high = log ? middle * 2 : middle + 1;
    } else if (log) {
      const double factor = std::pow(high / low, margin);
      low /= factor, high *= factor;
    } else {
      const double more = margin * (high - low);
      low -= more, high += more;
    }
  }
  double at(double v) const {
    const double part = log ? std::log(v / low) / std::log(high / low) : (v - low) / (high - low);
    return from + (to - from) * part;
  }
  Axis axis(int most) const { return log ? log_axis_of(low, high) : axis_of(low, high, most); }
};

std::string pixel(double v) { return svg_number(v, 1); }

/// The points without those that the line through their neighbours passes anyway.
std::vector<Point> thinned(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (std::size_t begin = 0; begin < points.size();) {
    kept.push_back(points[begin]);
    std::size_t end = std::min(begin + 1, points.size());
    // As far as a straight line from `begin` passes all points between.
    for (std::size_t next = begin + 2; next < points.size() && next < begin + 200; ++next) {
      const Point a = points[begin], b = points[next];
      const bool straight = std::all_of(points.begin() + static_cast<std::ptrdiff_t>(begin + 1),
                                        points.begin() + static_cast<std::ptrdiff_t>(next), [&](const Point& p) {
                                          const double t = b.x > a.x ? (p.x - a.x) / (b.x - a.x) : 0;
                                          return std::abs(a.y + t * (b.y - a.y) - p.y) < 0.5;
                                        });
      if (!straight) break;
      end = next;
    }
    begin = end;
  }
  return kept;
}

std::string path_of(const Line& line, const Scale& x, const Scale& y) {
  std::string path;
  std::vector<Point> run;
  const auto draw = [&] {
    const std::vector<Point> kept = thinned(run);
    for (std::size_t i = 0; i < kept.size(); ++i)
      path += (i == 0 ? "M" : "L") + pixel(kept[i].x) + " " + pixel(kept[i].y);
    run.clear();
  };
  for (std::size_t i = 0; i < line.x.size(); ++i)
    if (x.shows(line.x[i]) && y.shows(line.y[i]))
      run.push_back({x.at(line.x[i]), y.at(line.y[i])});
    else
      draw();
  draw();
  return path;
}

std::string axes(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  const std::string small = std::string("font-size=\"11\" fill=\"") + kSoft + "\" text-anchor=";
  const Axis across = x.axis(8), up = y.axis(6);
  for (std::size_t i = 0; i < across.ticks.size(); ++i) {
    const double at = x.at(across.ticks[i]);
    svg += svg_line("M" + pixel(at) + " " + pixel(kTop) + "V" + pixel(kBottom + 4), kGrid, 1);
    svg += svg_text(at, kBottom + 18, across.numbers[i], small + "\"middle\"");
  }
  for (std::size_t i = 0; i < up.ticks.size(); ++i) {
    const double at = y.at(up.ticks[i]);
    svg += svg_line("M" + pixel(kLeft - 4) + " " + pixel(at) + "H" + pixel(kRight), kGrid, 1);
    svg += svg_text(kLeft - 8, at + 4, up.numbers[i], small + "\"end\"");
  }
  svg += svg_line("M" + pixel(kLeft) + " " + pixel(kTop) + "V" + pixel(kBottom) + "H" + pixel(kRight), kSoft, 1);
  svg += svg_text((kLeft + kRight) / 2, kBottom + 38, chart.x_label, "text-anchor=\"middle\"");
  const double middle = (kTop + kBottom) / 2;
  return svg + svg_text(18, middle, chart.y_label,
                        "text-anchor=\"middle\" transform=\"rotate(-90 18 " + pixel(middle) + ")\"");
}

std::string stroke(const std::string& path, std::size_t i) {
  return "<path d=\"" + path + "\" stroke=\"" + kColors[i % 6] + "\" stroke-width=\"2\" fill=\"none\"" +
         (i % 6 == 0 ? "" : std::string(" stroke-dasharray=\"") + kDashes[i % 6] + "\"") + "/>\n";
}

/// Of a line's entry: dash, name, gap.
double legend_width(const Line& line) { return 32 + kLetter * static_cast<double>(line.name.size()) + 14; }

}  // namespace

void write_line_chart(const std::string& path, const LineChart& chart) {
  Scale x, y;
  x.from = kLeft, x.to = kRight, x.log = chart.log_x;
  y.from = kBottom, y.to = kTop, y.log = chart.log_y;
  for (const Line& line : chart.lines) {
    require<ShapeError>(line.x.size() == line.y.size(), "[write_line_chart] '", line.name, "' has ", line.x.size(),
                        " x and ", line.y.size(), " y; give one y for each x.");
    for (std::size_t i = 0; i < line.x.size(); ++i)
      if (x.shows(line.x[i]) && y.shows(line.y[i])) x.take(line.x[i]), y.take(line.y[i]);
  }
  x.finish(0), y.finish(0.04);
  double legend = kLeft;
  for (const Line& line : chart.lines) legend += legend_width(line);
  const double width = std::max({kWidth, legend, 24 + 6.4 * static_cast<double>(chart.caption.size())});
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + svg_number(width, 0) + " " +
                    svg_number(kHeight, 0) + "\" width=\"" + svg_number(width, 0) + "\" height=\"" +
                    svg_number(kHeight, 0) + "\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>" +
                    svg_escaped(chart.title) + "</title>\n<desc>" + svg_escaped(chart.caption) +
                    "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                    svg_text(12, 24, chart.title, "font-size=\"17\"") + axes(chart, x, y);
  double left = kLeft;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    svg += stroke(path_of(chart.lines[i], x, y), i);
    svg += stroke("M" + pixel(left) + " 44h26", i) + svg_text(left + 32, 48, chart.lines[i].name, "font-size=\"12\"");
    left += legend_width(chart.lines[i]);
  }
  svg += svg_text(12, kHeight - 12, chart.caption, std::string("font-size=\"12\" fill=\"") + kSoft + "\"") + "</svg>\n";
  write_whole_file(path, svg);
}

}  // namespace fu
