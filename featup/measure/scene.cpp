#include "featup/measure/scene.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace fu {

namespace {

struct Color {
  double r, g, b;
};
Color mix(Color a, Color b, double t) { return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t}; }

/// Smooth noise in [0,1]: random values on a grid, interpolated, in three octaves.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : seed_(seed) {}
  double operator()(double x, double y) const {
    double total = 0, weight = 0;
    for (int octave = 0; octave < 3; ++octave) {
      const double scale = 1 << octave;
      total += at(x * scale, y * scale, octave) / scale;
      weight += 1 / scale;
    }
    return total / weight;
  }

 private:
  double cell(std::int64_t x, std::int64_t y, int octave) const {
    const std::uint64_t place = static_cast<std::uint64_t>(x) << 32 ^ (static_cast<std::uint64_t>(y) & 0xffffffff);
    return philox(seed_, place, static_cast<std::uint64_t>(octave)).word[0] / 4294967296.0;
  }
  double at(double x, double y, int octave) const {
    const double fx = std::floor(x), fy = std::floor(y);
    const auto i = static_cast<std::int64_t>(fx), j = static_cast<std::int64_t>(fy);
    const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
    const double u = smooth(x - fx), v = smooth(y - fy);
    const double top = cell(i, j, octave) + (cell(i + 1, j, octave) - cell(i, j, octave)) * u;
    const double bottom = cell(i, j + 1, octave) + (cell(i + 1, j + 1, octave) - cell(i, j + 1, octave)) * u;
    return top + (bottom - top) * v;
  }
  std::uint64_t seed_;
};

struct Object {
  enum Kind { disk, box, star, ring, blob } kind;
  double x, y, size, angle;  // in units of the image's height
  Color base, second;
  int texture;  // stripes, checks, dots, noise
};

/// Positive inside, in units of the object's size.
double inside(const Object& o, double x, double y) {
  const double c = std::cos(o.angle), s = std::sin(o.angle), u = ((x - o.x) * c + (y - o.y) * s) / o.size,
               v = ((y - o.y) * c - (x - o.x) * s) / o.size;
  const double r = std::hypot(u, v), phi = std::atan2(v, u);
  switch (o.kind) {
    case Object::disk: return 1 - r;
    case Object::box: return std::min(0.9 - std::abs(u), 0.65 - std::abs(v));
    case Object::star: return 0.72 + 0.28 * std::cos(5 * phi) - r;
    case Object::ring: return 0.3 - std::abs(r - 0.75);
    case Object::blob: return 0.75 + 0.15 * std::sin(3 * phi + 1) + 0.1 * std::sin(7 * phi) - r;
  }
  return -1;
}

Color shade(const Object& o, const Noise& noise, double x, double y) {
  const double c = std::cos(o.angle), s = std::sin(o.angle), u = ((x - o.x) * c + (y - o.y) * s) / o.size,
               v = ((y - o.y) * c - (x - o.x) * s) / o.size;
  double t = 0;
  switch (o.texture) {
    case 0: t = std::sin(u * 14) > 0 ? 1 : 0; break;
    case 1: t = (static_cast<int>(std::floor(u * 4)) + static_cast<int>(std::floor(v * 4))) & 1; break;
    case 2: t = std::hypot(u * 4 - std::round(u * 4), v * 4 - std::round(v * 4)) < 0.28 ? 1 : 0; break;
    default: t = noise(u * 5 + 20, v * 5 + 20); break;
  }
  const double light = std::clamp(1.05 - 0.35 * ((x - o.x) + (y - o.y)) / o.size, 0.55, 1.25);
  const Color m = mix(o.base, o.second, t);
  return {m.r * light, m.g * light, m.b * light};
}

}  // namespace

RenderedScene render_scene(std::uint64_t seed, Index height, Index width) {
  require<ShapeError>(height >= 1 && width >= 1 && height <= 16384 && width <= 16384, "[render_scene] ", height, "x",
                      width, ": sides must be 1 to 16384 pixels.");
  Random random(seed);
  const auto draw = [&](double low, double high) { return low + (high - low) * static_cast<double>(random.uniform()); };
  const Noise noise(seed + 1);
  const double aspect = static_cast<double>(width) / static_cast<double>(height), horizon = draw(0.5, 0.7);
  const Color sky_top{draw(0.2, 0.5), draw(0.4, 0.6), draw(0.7, 0.95)}, sky_low{0.85, 0.85, 0.8},
      ground{draw(0.25, 0.5), draw(0.35, 0.5), draw(0.15, 0.3)};
  std::vector<Object> objects;
  for (int i = 0; i < 5; ++i) {
    const auto color = [&] { return Color{draw(0.1, 0.95), draw(0.1, 0.95), draw(0.1, 0.95)}; };
    objects.push_back({static_cast<Object::Kind>((i + static_cast<int>(random.below(5))) % 5),
                       (i + draw(0.3, 0.7)) / 5 * aspect, draw(0.3, 0.75), draw(0.13, 0.24), draw(0, 6.28), color(),
                       color(), static_cast<int>(random.below(4))});
  }
  const auto top_object = [&](double x, double y) {
    int top = -1;
    for (int i = 0; i < 5; ++i)
      if (inside(objects[static_cast<std::size_t>(i)], x, y) > 0) top = i;
    return top;
  };
  RenderedScene scene{{height, width, {}}, {}};
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      Color sum{0, 0, 0};
      constexpr int kSamples = 3;  // a side
      for (int a = 0; a < kSamples; ++a)
        for (int b = 0; b < kSamples; ++b) {
          const double y = (static_cast<double>(i) + (a + 0.5) / kSamples) / static_cast<double>(height),
                       x = (static_cast<double>(j) + (b + 0.5) / kSamples) / static_cast<double>(height);
          const int o = top_object(x, y);
          Color c = o >= 0 ? shade(objects[static_cast<std::size_t>(o)], noise, x, y)
                    : y < horizon
                        ? mix(mix(sky_top, sky_low, y / horizon), {1, 1, 1}, std::max(0.0, noise(x * 3, y * 6) - 0.5))
                        : mix(ground, {0.1, 0.15, 0.05}, noise(x * 12, y * 24));
          sum = {sum.r + c.r, sum.g + c.g, sum.b + c.b};
        }
      for (double v : {sum.r, sum.g, sum.b})
        scene.image.rgb.push_back(
            static_cast<unsigned char>(std::clamp(v / (kSamples * kSamples), 0.0, 1.0) * 255 + 0.5));
      scene.labels.push_back(
          static_cast<unsigned char>(1 + top_object((static_cast<double>(j) + 0.5) / static_cast<double>(height),
                                                    (static_cast<double>(i) + 0.5) / static_cast<double>(height))));
    }
  return scene;
}

}  // namespace fu
