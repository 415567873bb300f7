// Charts of curves over a common axis as SVG: a loss over the steps of a training, speed over size.
#pragma once

#include <string>
#include <vector>

namespace fu {

struct Line {
  std::string name;
  std::vector<double> x, y;  // of equal length; a point whose numbers are not finite interrupts the line
};

struct LineChart {
  std::string title, x_label, y_label;
  std::string caption;      // below the chart, and its description for screen readers
  std::vector<Line> lines;  // at most six are told apart: by colour, and by dashes
  bool log_x = false, log_y = false;
};

/// Writes the chart. The axes show the range of the points; on a logarithmic axis, points that are not above 0 are left
/// out. Points that lie within half a pixel of the straight line between their neighbours are left out of the file.
/// throws ShapeError if x and y of a line differ in length, FileError.
void write_line_chart(const std::string& path, const LineChart& chart);

}  // namespace fu
