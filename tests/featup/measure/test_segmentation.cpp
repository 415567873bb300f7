// How class maps are compared with labels.
#include "featup/measure/segmentation.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("segmentation: confusion, boundaries, spreads") {
  Confusion c(3);
  for (int i = 0; i < 6; ++i) c.add(0, 0);
  c.add(0, 1), c.add(1, 1), c.add(1, 0);
  CHECK(c.accuracy() == doctest::Approx(7.0 / 9));
  CHECK(c.iou(0) == doctest::Approx(6.0 / 8));
  CHECK(c.iou(1) == doctest::Approx(1.0 / 3));
  CHECK(std::isnan(c.iou(2)));
  CHECK(c.mean_iou() == doctest::Approx((6.0 / 8 + 1.0 / 3) / 2));
  Confusion twice(3);
  twice.add(c), twice.add(c);
  CHECK(twice.iou(0) == doctest::Approx(c.iou(0)));

  // Two halves, and a strip that has no class: it is no neighbour.
  Labels labels(5 * 10, 0);
  for (Index i = 0; i < 5; ++i)
    for (Index j = 5; j < 10; ++j) labels[static_cast<std::size_t>(i * 10 + j)] = j == 9 ? 11 : 1;
  const std::vector<bool> near = near_boundaries(labels, 5, 10, 11, 2);
  for (Index j = 0; j < 10; ++j) CHECK(near[static_cast<std::size_t>(2 * 10 + j)] == (j >= 3 && j <= 6));

  const Spread s = spread_of({1, 3, NAN});
  CHECK(s.mean == doctest::Approx(2));
  CHECK(s.deviation == doctest::Approx(1));
}
