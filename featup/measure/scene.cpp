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

/// Noise in [0,1] without sharp steps: random values on a grid, interpolated, in three octaves.
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
  /// The random value of a grid point.
  double cell(std::int64_t x, std::int64_t y, int octave) const {
    const std::uint64_t place = static_cast<std::uint64_t>(x) << 32 ^ (static_cast<std::uint64_t>(y) & 0xffffffff);
    return philox(seed_, place, static_cast<std::uint64_t>(octave)).word[0] / 4294967296.0;
  }
  double at(double x, double y, int octave) const {
    const double fx = std::floor(x), fy = std::floor(y);
    const auto i = static_cast<std::int64_t>(fx), j = static_cast<std::int64_t>(fy);
    const auto ease = [](double t) { return t * t * (3 - 2 * t); };  // from 0 to 1, level at both ends
    const double u = ease(x - fx), v = ease(y - fy);
    const double top = cell(i, j, octave) + (cell(i + 1, j, octave) - cell(i, j, octave)) * u;
    const double bottom = cell(i, j + 1, octave) + (cell(i + 1, j + 1, octave) - cell(i, j + 1, octave)) * u;
    return top + (bottom - top) * v;
  }
  std::uint64_t seed_;
};

constexpr int kObjects = 5;

struct Object {
  enum Kind { disk, box, star, ring, blob } kind;
  double x, y, size, angle;  // in units of the image's height, and radians
  Color base, second;
  enum Texture { stripes, checks, dots, noise } texture;
};

/// A point in the object's own axes, in units of its size.
struct Local {
  double u, v;
};
Local local(const Object& o, double x, double y) {
  const double c = std::cos(o.angle), s = std::sin(o.angle);
  return {((x - o.x) * c + (y - o.y) * s) / o.size, ((y - o.y) * c - (x - o.x) * s) / o.size};
}

/// How far inside the object a point is, in units of its size; negative outside.
double inside(const Object& o, double x, double y) {
  const auto [u, v] = local(o, x, y);
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
  const auto [u, v] = local(o, x, y);
  double t = 0;  // share of the second colour
  switch (o.texture) {
    case Object::stripes: t = std::sin(u * 14) > 0 ? 1 : 0; break;
    case Object::checks: t = (static_cast<int>(std::floor(u * 4)) + static_cast<int>(std::floor(v * 4))) & 1; break;
    case Object::dots: t = std::hypot(u * 4 - std::round(u * 4), v * 4 - std::round(v * 4)) < 0.28 ? 1 : 0; break;
    case Object::noise: t = noise(u * 5 + 20, v * 5 + 20); break;
  }
  const double light = std::clamp(1.05 - 0.35 * ((x - o.x) + (y - o.y)) / o.size, 0.55, 1.25);
  const Color m = mix(o.base, o.second, t);
  return {m.r * light, m.g * light, m.b * light};
}

/// A scene as a function of a point, in units of the image's height.
class Painter {
 public:
  Painter(std::uint64_t seed, double aspect) : noise_(seed + 1) {
    Random random(seed);
    const auto draw = [&](double low, double high) {
      return low + (high - low) * static_cast<double>(random.uniform());
    };
    horizon_ = draw(0.5, 0.7);
    sky_top_ = {draw(0.2, 0.5), draw(0.4, 0.6), draw(0.7, 0.95)};
    ground_ = {draw(0.25, 0.5), draw(0.35, 0.5), draw(0.15, 0.3)};
    const auto color = [&] { return Color{draw(0.1, 0.95), draw(0.1, 0.95), draw(0.1, 0.95)}; };
    for (int i = 0; i < kObjects; ++i)
      objects_[i] = {static_cast<Object::Kind>((i + static_cast<int>(random.below(5))) % 5),
                     (i + draw(0.3, 0.7)) / kObjects * aspect,
                     draw(0.3, 0.75),
                     draw(0.13, 0.24),
                     draw(0, 6.28),
                     color(),
                     color(),
                     static_cast<Object::Texture>(random.below(4))};
    place_objects(Random(seed, 0x6465707468));
  }

  /// The object in front at a point, or -1 where there is none.
  int object_at(double x, double y) const {
    for (int i = kObjects; i-- > 0;)
      if (inside(objects_[i], x, y) > 0) return i;
    return -1;
  }

  /// Metres to what a point shows.
  double depth_at(double x, double y) const {
    const int o = object_at(x, y);
    if (o < 0) return ground_depth(y);
    const Place& p = places_[o];
    return p.depth * (1 + (p.across * (x - objects_[o].x) + p.down * (y - objects_[o].y)) / objects_[o].size);
  }

  Color color_at(double x, double y) const {
    const int o = object_at(x, y);
    if (o >= 0) return shade(objects_[o], noise_, x, y);
    if (y < horizon_)
      return mix(mix(sky_top_, {0.85, 0.85, 0.8}, y / horizon_), {1, 1, 1},
                 std::max(0.0, noise_(x * 3, y * 6) - 0.5));  // clouds
    return mix(ground_, {0.1, 0.15, 0.05}, noise_(x * 12, y * 24));
  }

 private:
  double ground_depth(double y) const {
    constexpr double kEye = 1.5;  // metres above the ground
    return y - horizon_ > kEye / kSceneFar ? kEye / (y - horizon_) : kSceneFar;
  }

  /// Numbers of a stream of their own: the picture does not depend on them. What an object hides is at least 1.25 times
  /// as far, so that slanted planes do not cross.
  void place_objects(Random random) {
    const auto draw = [&](double low, double high) {
      return low + (high - low) * static_cast<double>(random.uniform());
    };
    constexpr double kReach = 1.12;  // from an object's centre to its farthest point, in sizes
    for (int i = 0; i < kObjects; ++i) {
      const Object& o = objects_[i];
      double depth = 0.85 * std::min(ground_depth(o.y + kReach * o.size), 14.0);
      for (int k = 0; k < i; ++k)
        if (std::hypot(o.x - objects_[k].x, o.y - objects_[k].y) < kReach * (o.size + objects_[k].size))
          depth = std::min(depth, places_[k].depth / 1.25);
      places_[i] = {depth, draw(-0.05, 0.05), draw(-0.05, 0.05)};
    }
  }

  /// Depth at an object's centre, metres, and its slant: the share by which it changes over one size.
  struct Place {
    double depth = 0, across = 0, down = 0;
  };

  Noise noise_;
  double horizon_ = 0;
  Color sky_top_{}, ground_{};
  Object objects_[kObjects] = {};
  Place places_[kObjects];
};

}  // namespace

RenderedScene render_scene(std::uint64_t seed, Index height, Index width) {
  require<ShapeError>(height >= 1 && width >= 1 && height <= 16384 && width <= 16384, "[render_scene] ", height, "x",
                      width, ": sides must be 1 to 16384 pixels.");
  const double side = static_cast<double>(height);
  const Painter painter(seed, static_cast<double>(width) / side);
  RenderedScene scene{{height, width, {}}, {}, {}};
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      const auto row = static_cast<double>(i), col = static_cast<double>(j);
      Color sum{0, 0, 0};
      constexpr int kSamples = 3;  // along each side of a pixel
      for (int a = 0; a < kSamples; ++a)
        for (int b = 0; b < kSamples; ++b) {
          const Color c = painter.color_at((col + (b + 0.5) / kSamples) / side, (row + (a + 0.5) / kSamples) / side);
          sum = {sum.r + c.r, sum.g + c.g, sum.b + c.b};
        }
      for (double v : {sum.r, sum.g, sum.b})
        scene.image.rgb.push_back(
            static_cast<unsigned char>(std::clamp(v / (kSamples * kSamples), 0.0, 1.0) * 255 + 0.5));
      const double x = (col + 0.5) / side, y = (row + 0.5) / side;
      scene.labels.push_back(static_cast<unsigned char>(1 + painter.object_at(x, y)));
      scene.depth.push_back(static_cast<float>(painter.depth_at(x, y)));
    }
  return scene;
}

}  // namespace fu
