#include "tools/media/chart.h"

#include <algorithm>

#include "core/files/bytes.h"
#include "tools/media/svg_text.h"

namespace fu {

void write_bar_chart(const std::string& path, const std::string& title, const std::vector<BarGroup>& groups,
                     const std::string& caption) {
  std::size_t longest = 8, rows = 0;
  for (const BarGroup& g : groups) {
    rows = std::max(rows, g.bars.size());
    for (const Bar& b : g.bars) longest = std::max(longest, b.name.size());
  }
  const double labels = 7.5 * static_cast<double>(std::min<std::size_t>(longest, 40)) + 16, plot = 220, step = 24,
               top = 70;
  const double each = plot + 90, width = labels + each * static_cast<double>(groups.size()) + 16;
  const double height = top + step * static_cast<double>(rows) + 44;
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + svg_number(width, 0) + "\" height=\"" +
      svg_number(height, 0) + "\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>" +
      svg_escaped(title) + "</title>\n<desc>" + svg_escaped(caption) +
      "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"12\" y=\"26\" font-size=\"17\">" +
      svg_escaped(title) + "</text>\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double left = labels + each * static_cast<double>(g);
    double low = 0, high = 1e-9;
    bool first = true;
    for (const Bar& b : groups[g].bars) {
      low = first ? b.value : std::min(low, b.value), high = std::max(high, b.value + b.spread);
      first = false;
    }
    // Bars that differ by little would look the same from 0: the axis begins below the shortest.
    const double from = low > 0.5 * high ? low - (high - low) - 1e-9 : std::min(0.0, low),
                 scale = plot / std::max(1e-9, high - from);
    svg += "<text x=\"" + svg_number(left, 1) + "\" y=\"" + svg_number(top - 16, 1) + "\" font-weight=\"bold\">" +
           svg_escaped(groups[g].title) + (from != 0 ? " (axis from " + svg_number(from, 2) + ")" : std::string()) +
           "</text>\n";
    for (std::size_t i = 0; i < groups[g].bars.size(); ++i) {
      const Bar& b = groups[g].bars[i];
      const double y = top + step * static_cast<double>(i), end = left + scale * (b.value - from);
      if (g == 0)
        svg += "<text x=\"" + svg_number(labels - 8, 1) + "\" y=\"" + svg_number(y + 13, 1) +
               "\" text-anchor=\"end\">" + svg_escaped(b.name) + "</text>\n";
      svg += "<rect x=\"" + svg_number(left, 1) + "\" y=\"" + svg_number(y, 1) + "\" width=\"" +
             svg_number(std::max(0.0, end - left), 1) + "\" height=\"17\" fill=\"" + (i == 0 ? "#9aa5b1" : "#2f6f9f") +
             "\"/>\n";
      if (b.spread > 0)
        svg += "<path d=\"M" + svg_number(end - scale * b.spread, 1) + " " + svg_number(y + 8.5, 1) + "H" +
               svg_number(end + scale * b.spread, 1) + "\" stroke=\"#111\" stroke-width=\"1.5\"/>\n";
      svg += "<text x=\"" + svg_number(end + scale * b.spread + 5, 1) + "\" y=\"" + svg_number(y + 13, 1) + "\">" +
             svg_number(b.value) + "</text>\n";
    }
  }
  svg += "<text x=\"12\" y=\"" + svg_number(height - 14, 1) + "\" fill=\"#555\">" + svg_escaped(caption) +
         "</text>\n</svg>\n";
  OutputFile file(path);
  file.write(svg.data(), svg.size());
  file.commit();
}

}  // namespace fu
