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

/// Groups side by side, a bar for each method under the next, its number beside it; each group has an axis of its own
/// from 0, or from a little under the smallest value. `caption`: a line below, for the screen reader too. Throws
/// FileError.
void write_bar_chart(const std::string& path, const std::string& title, const std::vector<BarGroup>& groups,
                     const std::string& caption);

}  // namespace fu
