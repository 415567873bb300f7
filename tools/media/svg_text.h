// Texts, numbers and lines as SVG writes them.
#pragma once

#include <cstdio>
#include <string>

namespace fu {

/// The text with the characters escaped that SVG gives a meaning.
inline std::string svg_escaped(const std::string& text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

inline std::string svg_number(double v, int digits = 3) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

/// attributes: as they stand in SVG.
inline std::string svg_text(double x, double y, const std::string& text, const std::string& attributes = "") {
  return "<text x=\"" + svg_number(x, 1) + "\" y=\"" + svg_number(y, 1) + "\"" +
         (attributes.empty() ? "" : " " + attributes) + ">" + svg_escaped(text) + "</text>\n";
}

/// path: of straight lines.
inline std::string svg_line(const std::string& path, const std::string& color, double width) {
  return "<path d=\"" + path + "\" stroke=\"" + color + "\" stroke-width=\"" + svg_number(width, 1) +
         "\" fill=\"none\"/>\n";
}

}  // namespace fu
