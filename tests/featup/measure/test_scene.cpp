// Rendered scenes and their depth; errors of numbers.
#include "featup/measure/number_score.h"
#include "featup/measure/scene.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("scene: depth follows the ground, the sky is far, and objects stand before what they hide") {
  constexpr Index kSide = 96;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const RenderedScene s = render_scene(seed, kSide, kSide);
    REQUIRE(s.depth.size() == s.labels.size());
    double ground = kSceneFar;
    bool in_range = true, nearer_below = true, before_ground = true;
    for (Index i = 0; i < kSide; ++i) {
      double row = kSceneFar;  // of the ground, known from the pixels that show it
      for (Index j = 0; j < kSide; ++j) {
        const std::size_t p = usize(i * kSide + j);
        const double depth = static_cast<double>(s.depth[p]);
        in_range = in_range && depth > 0.5 && depth <= kSceneFar;
        if (s.labels[p] == 0) row = depth;
      }
      for (Index j = 0; j < kSide; ++j)
        before_ground = before_ground && static_cast<double>(s.depth[usize(i * kSide + j)]) <= row;
      if (row < kSceneFar) nearer_below = nearer_below && row <= ground, ground = row;
    }
    CHECK(in_range);
    CHECK(nearer_below);
    CHECK(before_ground);
    CHECK(ground < 6);
  }
}

TEST_CASE("scene: scores of numbers") {
  NumberScore n;
  CHECK(std::isnan(n.rmse()));
  n.add(1, 1), n.add(3, 2), n.add(4.4, 4);
  CHECK(n.rmse() == doctest::Approx(std::sqrt((1 + 0.16) / 3)));
  CHECK(n.relative_error() == doctest::Approx((0.5 + 0.1) / 3));
  CHECK(n.within_quarter() == doctest::Approx(2.0 / 3));
  CHECK(n.deviation() == doctest::Approx(std::sqrt(14.0 / 9)));
  n.add(0, 0);
  CHECK(std::isnan(n.within_quarter()));  // of numbers that are not positive
}
