// Bar charts as SVG, for quality tables.
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

}  // namespace fu
