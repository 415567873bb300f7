#include "tools/media/heat_ramp.h"

#include <algorithm>
#include <cmath>

namespace fu {

const std::vector<std::array<unsigned char, 3>>& heat_stops() {
  static const std::vector<std::array<unsigned char, 3>> stops = {{68, 1, 84},    {71, 44, 122},  {59, 82, 139},
                                                                  {44, 114, 142}, {33, 145, 140}, {40, 174, 128},
                                                                  {94, 201, 98},  {173, 220, 48}, {253, 231, 37}};
  return stops;
}

std::array<unsigned char, 3> heat_color(double v) {
  const auto& stops = heat_stops();
  const double t = v > 0 ? std::fmin(v, 1) * static_cast<double>(stops.size() - 1) : 0;  // 0 for NaN
  const auto i = std::min(static_cast<std::size_t>(t), stops.size() - 2);
  std::array<unsigned char, 3> color{};
  for (std::size_t c = 0; c < 3; ++c)
    color[c] = static_cast<unsigned char>(
        std::lround(stops[i][c] + (t - static_cast<double>(i)) * (stops[i + 1][c] - stops[i][c])));
  return color;
}

std::vector<std::array<unsigned char, 3>> heat_palette() {
  std::vector<std::array<unsigned char, 3>> palette;
  for (int i = 0; i < 256; ++i) palette.push_back(heat_color(i / 255.0));
  return palette;
}

}  // namespace fu
