// Bar and scatter charts as SVG, for quality tables.
#pragma once

#include <string>
#include <vector>

namespace fu {

struct Bar {
  std::string name;
  double value = 0, spread = 0;  // spread: half the length of the whisker; 0: none. No value: not finite
};

struct BarGroup {
  std::string title;
  std::vector<Bar> bars;
};

/// Writes groups of horizontal bars side by side, with the value beside each bar. Each group has its own axis with
/// numbers, which begins at 0, or a little below the smallest value where all values are close. The first bar is grey:
/// the one that others are compared with. A legend says so, and what the whiskers are. Names are cut to 40 characters.
///   caption: a line below the chart, and its description for screen readers.
/// throws FileError.
void write_bar_chart(const std::string& path, const std::string& title, const std::vector<BarGroup>& groups,
                     const std::string& caption);

struct ScatterPoint {
  std::string name;
  double x = 0, y = 0;
  std::size_t group = 0;  // in ScatterChart::groups
};

struct ScatterChart {
  std::string title, x_label, y_label, caption;  // caption: as of bar charts
  /// At most four kinds of points, told apart by colour and shape. Points of the first are grey: what others are
  /// compared with, and a dashed line at their height goes through the chart.
  std::vector<std::string> groups;
  std::vector<ScatterPoint> points;
};

/// Named points over a logarithmic x axis, as an <svg> element for an HTML page: without a namespace, which HTML does
/// not need. Points whose x is not above 0 or whose numbers are not finite are left out. Names are cut to 40
/// characters, and stand where they cover no other, if there is room.
std::string scatter_chart_svg(const ScatterChart& chart);
/// The same as an SVG file. throws FileError.
void write_scatter_chart(const std::string& path, const ScatterChart& chart);

}  // namespace fu
