// Texts and numbers as SVG writes them.
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

}  // namespace fu
