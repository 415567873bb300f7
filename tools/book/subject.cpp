#include "tools/book/subject.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "featup/backbones/backbone.h"
#include "featup/measure/scene.h"
#include "featup/upsamplers/registry.h"

namespace fu::book {

Subject::Subject(Index side) : photo(render_scene(3, side, side).image), image(normalize(photo)) {
  const std::shared_ptr<const Backbone> backbone = open_backbone("builtin");
  features = [backbone](const Tensor& x) { return backbone->features(x); };
  low = features(image);
}

Tensor Subject::upsampled(const std::string& name) const {
  const Guide guide = [&](Index h, Index w) { return h > 0 ? normalize(resize_antialiased(photo, h, w)) : image; };
  return (*open_upsampler(name))(low, guide, {photo.height, photo.width});
}

std::vector<JitteredView> Subject::views(Index count, std::uint64_t seed) const {
  constexpr Index kPad = 30;
  constexpr double kZoom = 1.8;
  Random random(seed);
  std::vector<JitteredView> all;
  for (Index i = 0; i < count; ++i) {
    const Jitter jitter = draw_jitter(random, image.dim(1), image.dim(2), kPad, kZoom);
    all.push_back({jitter, features(apply_jitter(image, jitter))});
  }
  return all;
}

double difference(const Tensor& a, const Tensor& b) {
  require<ShapeError>(a.size() == b.size(), "[difference] ", a.shape(), " and ", b.shape(), ": one size is needed.");
  double worst = 0, largest = 0;
  for (Index i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
    largest = std::max(largest, std::abs(static_cast<double>(b.data()[i])));
  }
  return largest > 0 ? worst / largest : worst;
}

void say_equal(const std::string& what, const Tensor& a, const Tensor& b, double most) {
  const double worst = difference(a, b);
  require<UsageError>(worst <= most, what, ": the two differ by ", worst, " of the largest number.");
  std::printf("%-54s equal to %.0e\n", what.c_str(), most);
}

}  // namespace fu::book
