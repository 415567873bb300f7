#include "featup/measure/class_colors.h"

#include <set>

#include "featup/measure/segmentation.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

using Color = std::array<double, 3>;

double linear(double level) {
  const double v = level / 255;
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

/// CIELAB (D65) of linear sRGB.
Color lab(const Color& rgb) {
  const double to_xyz[3][3] = {{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}},
               white[3] = {0.9505, 1, 1.089};
  double f[3];
  for (int i = 0; i < 3; ++i) {
    double t = 0;
    for (std::size_t c = 0; c < 3; ++c) t += to_xyz[i][c] * std::min(1.0, std::max(0.0, rgb[c])) / white[i];
    f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

/// Distance in CIELAB as somebody without one kind of cones sees it (Viénot, Brettel and Mollon 1999, for the two
/// common kinds: another model than the one the table was made by).
double distance(Index a, Index b, const double (&vision)[3][3]) {
  Color seen[2];
  for (int k = 0; k < 2; ++k) {
    const auto color = class_color(k == 0 ? a : b);
    Color rgb{};
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t c = 0; c < 3; ++c) rgb[i] += vision[i][c] * linear(color[c]);
    seen[k] = lab(rgb);
  }
  double square = 0;
  for (std::size_t c = 0; c < 3; ++c) square += std::pow(seen[0][c] - seen[1][c], 2);
  return std::sqrt(square);
}

}  // namespace

TEST_CASE("class colours: 256 of them, none twice, none black") {
  std::set<std::array<unsigned char, 3>> seen{{0, 0, 0}};
  for (Index i = 0; i < kClassColors; ++i) CHECK(seen.insert(class_color(i)).second);
  CHECK(class_color(0) == std::array<unsigned char, 3>{230, 159, 0});
  CHECK(class_color(256) == class_color(0));
}

TEST_CASE("class colours: the first are told apart without red or green cones") {
  const double full[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
               no_red[3][3] = {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
               no_green[3][3] = {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}};
  // 2.3 is the least difference that is noticed where two areas touch.
  for (const auto& rule : {std::pair<Index, double>{8, 10}, {20, 8}}) {
    const Index count = rule.first;
    double nearest = 1e9;
    for (Index a = 0; a < count; ++a)
      for (Index b = 0; b < a; ++b)
        for (const auto* vision : {&full, &no_red, &no_green}) nearest = std::min(nearest, distance(a, b, *vision));
    CAPTURE(count);
    CHECK(nearest > rule.second);
  }
}

TEST_CASE("class colours: labels are painted with them, and no class is black") {
  const Image picture = paint_labels({0, 1, 2, 255}, 2, 2, 2);
  CHECK(picture.rgb == std::vector<unsigned char>{230, 159, 0, 86, 180, 233, 0, 0, 0, 0, 0, 0});
}
