// Bar charts as SVG, for quality tables.
#pragma once

#include <string>
#include <vector>

namespace fu {

struct Bar {
  std::string name;
  double value = 0, spread = 0;  // spread: half the length of the whisker; 0: none
};

struct BarGroup {
  std::string title;
  std::vector<Bar> bars;
};

/// Writes groups of horizontal bars side by side, with the value beside each bar. Each group has its own axis, which
/// begins at 0, or a little below the smallest value where all values are close.
///   caption: a line below the chart, and its description for screen readers.
/// throws FileError.
void write_bar_chart(const std::string& path, const std::string& title, const std::vector<BarGroup>& groups,
                     const std::string& caption);

}  // namespace fu
