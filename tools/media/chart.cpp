#include "tools/media/chart.h"

#include <algorithm>
#include <cmath>

#include "tools/media/axis.h"
#include "tools/media/pixel_text.h"
#include "tools/media/svg_text.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

constexpr double kStep = 24, kBar = 17, kPlot = 220, kTop = 70;
constexpr std::size_t kLongestName = 40;
// Okabe's and Ito's blue beside a lighter grey: they differ in lightness, too.
constexpr const char *kFirst = "#9aa5b1", *kOther = "#0072b2";

std::string number(double v) { return svg_number(v, 1); }

std::string box_at(double x, double y, double width, double height, const std::string& color) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(std::max(0.0, width)) +
         "\" height=\"" + number(height) + "\" fill=\"" + color + "\"/>\n";
}

std::string whisker(double from, double to, double y) {
  const std::string end = "v6m0 -3";  // a short stroke across each end
  return svg_line("M" + number(from) + " " + number(y - 3) + end + "H" + number(to) + "m0 -3" + "v6", "#111", 1.5);
}

/// The part of the numbers that a group shows. Bars that differ by little would look the same from 0: then the axis
/// begins below the shortest.
struct Shown {
  double from = 0, to = 1;
  explicit Shown(const BarGroup& group) {
    double low = 0, high = 1e-9;
    bool first = true;
    for (const Bar& b : group.bars) {
      if (!std::isfinite(b.value)) continue;
      low = first ? b.value : std::min(low, b.value), high = std::max(high, b.value + b.spread);
      first = false;
    }
    from = low > 0.5 * high ? low - (high - low) - 1e-9 : std::min(0.0, low);
    to = std::max(high, from + 1e-9);
  }
};

/// The axis below the bars of a group, with lines up through them.
std::string axis_below(const Shown& shown, double left, double bottom) {
  std::string svg;
  const double scale = kPlot / (shown.to - shown.from);
  const Axis axis = axis_of(shown.from, shown.to, 5);
  for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
    const double x = left + scale * (axis.ticks[i] - shown.from);
    svg += svg_line("M" + number(x) + " " + number(kTop - 5) + "V" + number(bottom + 4), "#d5dbe1", 1);
    svg += svg_text(x, bottom + 17, axis.numbers[i], "text-anchor=\"middle\" font-size=\"11\" fill=\"#5b6672\"");
  }
  return svg + svg_line("M" + number(left) + " " + number(bottom) + "h" + number(kPlot), "#5b6672", 1);
}

std::string bars_of(const BarGroup& group, const Shown& shown, double left) {
  std::string svg;
  const double scale = kPlot / (shown.to - shown.from);
  for (std::size_t i = 0; i < group.bars.size(); ++i) {
    const Bar& b = group.bars[i];
    const double y = kTop + kStep * static_cast<double>(i);
    if (!std::isfinite(b.value)) {
      svg += svg_text(left + 5, y + 13, "no number", "fill=\"#5b6672\"");
      continue;
    }
    const double end = left + scale * (b.value - shown.from);
    svg += box_at(left, y, end - left, kBar, i == 0 ? kFirst : kOther);
    if (b.spread > 0) svg += whisker(end - scale * b.spread, end + scale * b.spread, y + kBar / 2);
    svg += svg_text(end + scale * b.spread + 5, y + 13, svg_number(b.value));
  }
  return svg;
}

/// What the colours and whiskers mean.
std::string legend(const std::vector<BarGroup>& groups, double y) {
  const std::vector<Bar>& bars = groups.front().bars;
  const bool spread = std::any_of(groups.begin(), groups.end(), [](const BarGroup& g) {
    return std::any_of(g.bars.begin(), g.bars.end(), [](const Bar& b) { return b.spread > 0; });
  });
  double x = 12;
  std::string svg;
  const auto entry = [&](const std::string& mark, const std::string& text) {
    svg += mark + svg_text(x + 20, y + 10, text, "font-size=\"12\"");
    x += 20 + 6.4 * static_cast<double>(text.size()) + 16;
  };
  if (bars.size() > 1) {
    entry(box_at(x, y, 14, 11, kFirst), shortened(bars[0].name, kLongestName) + ", the reference");
    entry(box_at(x, y, 14, 11, kOther), "others");
  }
  if (spread) entry(whisker(x, x + 14, y + 5.5), "value +- spread");
  return svg;
}

}  // namespace

void write_bar_chart(const std::string& path, const std::string& title, const std::vector<BarGroup>& groups,
                     const std::string& caption) {
  std::size_t longest = 8, rows = 0;
  for (const BarGroup& g : groups) {
    rows = std::max(rows, g.bars.size());
    for (const Bar& b : g.bars) longest = std::max(longest, b.name.size());
  }
  const double labels = 7.5 * static_cast<double>(std::min(longest, kLongestName)) + 16, each = kPlot + 90;
  const double least = 7 * static_cast<double>(std::max(caption.size(), title.size() + title.size() / 3)) + 24;
  const double width = std::max(least, labels + each * static_cast<double>(groups.size()) + 16);
  const double bottom = kTop + kStep * static_cast<double>(rows), height = bottom + 70;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + svg_number(width, 0) + "\" height=\"" +
                    svg_number(height, 0) + "\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>" +
                    svg_escaped(title) + "</title>\n<desc>" + svg_escaped(caption) +
                    "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                    svg_text(12, 26, title, "font-size=\"17\"");
  for (std::size_t i = 0; !groups.empty() && i < groups.front().bars.size(); ++i)
    svg += svg_text(labels - 8, kTop + kStep * static_cast<double>(i) + 13,
                    shortened(groups.front().bars[i].name, kLongestName), "text-anchor=\"end\"");
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double left = labels + each * static_cast<double>(g);
    const Shown shown(groups[g]);
    svg += svg_text(left, kTop - 16, groups[g].title + (shown.from > 0 ? " (axis not from 0)" : ""),
                    "font-weight=\"bold\"");
    svg += axis_below(shown, left, bottom) + bars_of(groups[g], shown, left);
  }
  if (!groups.empty()) svg += legend(groups, bottom + 28);
  svg += svg_text(12, height - 12, caption, "fill=\"#5b6672\"") + "</svg>\n";
  write_whole_file(path, svg);
}

}  // namespace fu
