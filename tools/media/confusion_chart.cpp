#include "tools/media/confusion_chart.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tools/media/svg_text.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

/// White for 0, dark blue for 1.
std::string color_of(double share) {
  const double t = std::sqrt(std::clamp(share, 0.0, 1.0));
  return "rgb(" + svg_number(255 - 231 * t, 0) + "," + svg_number(255 - 187 * t, 0) + "," +
         svg_number(255 - 127 * t, 0) + ")";
}

std::string text_at(double x, double y, const std::string& attributes, const std::string& text) {
  return "<text x=\"" + svg_number(x, 1) + "\" y=\"" + svg_number(y, 1) + "\"" + attributes + ">" + svg_escaped(text) +
         "</text>\n";
}

/// Sizes of the picture, pixels.
struct Frame {
  std::size_t n;
  double cell, labels, left, top;

  explicit Frame(const std::vector<std::string>& names) : n(names.size()) {
    std::size_t longest = 4;
    for (const std::string& name : names) longest = std::max(longest, name.size());
    cell = std::clamp(720 / static_cast<double>(n), 4.0, 40.0);
    labels = 7 * static_cast<double>(std::min<std::size_t>(longest, 24)) + 12;
    left = labels + 30, top = labels + 64;
  }
  double side() const { return cell * static_cast<double>(n); }
  double at(std::size_t i) const { return cell * static_cast<double>(i); }
};

std::string row_of(const Frame& f, std::size_t i, const std::vector<std::string>& names,
                   const std::vector<double>& counts) {
  double sum = 0;
  for (std::size_t j = 0; j < f.n; ++j) sum += counts[i * f.n + j];
  std::string svg;
  for (std::size_t j = 0; j < f.n; ++j) {
    const double share = sum > 0 ? counts[i * f.n + j] / sum : 0;
    const double x = f.left + f.at(j), y = f.top + f.at(i);
    svg += "<rect x=\"" + svg_number(x, 1) + "\" y=\"" + svg_number(y, 1) + "\" width=\"" + svg_number(f.cell, 1) +
           "\" height=\"" + svg_number(f.cell, 1) + "\" fill=\"" + color_of(share) + "\"><title>" +
           svg_escaped(names[i] + " named " + names[j]) + ": " + svg_number(100 * share, 2) + " %</title></rect>\n";
    if (f.cell >= 24 && share >= 0.005)
      svg += text_at(
          x + f.cell / 2, y + f.cell / 2 + 4,
          std::string(" text-anchor=\"middle\" font-size=\"11\" fill=\"") + (share > 0.35 ? "#fff\"" : "#111\""),
          svg_number(100 * share, 0));
  }
  return svg;
}

/// Names on both sides, where cells are high enough for a line of text.
std::string axis_of(const Frame& f, const std::vector<std::string>& names) {
  std::string svg = text_at(f.left + f.side() / 2, f.top - f.labels - 8, " text-anchor=\"middle\"", "predicted");
  svg += "<text transform=\"translate(16," + svg_number(f.top + f.side() / 2, 1) +
         ") rotate(-90)\" text-anchor=\"middle\">label</text>\n";
  for (std::size_t i = 0; i < f.n && f.cell >= 10; ++i) {
    const std::string name = svg_escaped(names[i].substr(0, 24));
    const double middle = f.at(i) + f.cell / 2 + 4;
    svg += text_at(f.left - 8, f.top + middle, " text-anchor=\"end\"", names[i].substr(0, 24));
    svg += "<text transform=\"translate(" + svg_number(f.left + middle, 1) + "," + svg_number(f.top - 8, 1) +
           ") rotate(-90)\">" + name + "</text>\n";
  }
  return svg;
}

std::string legend_of(const Frame& f, double y) {
  std::string svg = text_at(f.left, y + 12, "", "share of the label's pixels, %:");
  double x = f.left + 200;
  for (double share : {0.0, 0.05, 0.25, 0.5, 1.0}) {
    svg += "<rect x=\"" + svg_number(x, 1) + "\" y=\"" + svg_number(y, 1) +
           "\" width=\"16\" height=\"16\" stroke=\"#999\" fill=\"" + color_of(share) + "\"/>\n" +
           text_at(x + 20, y + 13, "", svg_number(100 * share, 0));
    x += 56;
  }
  return svg;
}

}  // namespace

void write_confusion_chart(const std::string& path, const std::string& title, const std::vector<std::string>& names,
                           const std::vector<double>& counts, const std::string& caption) {
  require<UsageError>(!names.empty() && counts.size() == names.size() * names.size(), path, ": ", counts.size(),
                      " counts for ", names.size(), " classes.");
  const Frame f(names);
  const double width = std::max(f.left + f.side() + 24, f.left + 500), height = f.top + f.side() + 84;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + svg_number(width, 0) + "\" height=\"" +
                    svg_number(height, 0) + "\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>" +
                    svg_escaped(title) + "</title>\n<desc>" + svg_escaped(caption) +
                    "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                    text_at(12, 26, " font-size=\"17\"", title) + axis_of(f, names);
  for (std::size_t i = 0; i < f.n; ++i) svg += row_of(f, i, names, counts);
  svg += "<rect x=\"" + svg_number(f.left, 1) + "\" y=\"" + svg_number(f.top, 1) + "\" width=\"" +
         svg_number(f.side(), 1) + "\" height=\"" + svg_number(f.side(), 1) + "\" fill=\"none\" stroke=\"#999\"/>\n" +
         legend_of(f, f.top + f.side() + 16) + text_at(12, height - 14, " fill=\"#555\"", caption) + "</svg>\n";
  write_whole_file(path, svg);
}

}  // namespace fu
