// The linear probe, and how class maps are compared with labels.
#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/measure/linear_probe.h"
#include "featup/measure/segmentation.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// Features whose first channel tells the class, far from 0 and of another scale than the others; labels at 4 times
/// their resolution.
LabelledFeatures example(std::uint64_t seed) {
  Random random(seed);
  LabelledFeatures e;
  e.features = random.normal({1, 6, 8, 5});
  e.height = 24, e.width = 32;
  e.labels.assign(24 * 32, 255);
  for (Index i = 0; i < 6; ++i)
    for (Index j = 0; j < 8; ++j) {
      const Index label = j < 3 ? 0 : j < 6 ? 1 : 2;
      e.features.data()[(i * 8 + j) * 5] = real(1000) + real(30) * static_cast<real>(label);
      for (Index y = 1; y < 3; ++y)
        for (Index x = 1; x < 3; ++x)
          e.labels[static_cast<std::size_t>((4 * i + y) * 32 + 4 * j + x)] = static_cast<unsigned char>(label);
    }
  return e;
}

}  // namespace

TEST_CASE("probe: names classes that one channel tells, in the same bits every time") {
  const std::vector<LabelledFeatures> images = {example(1), example(2)};
  ProbeOptions o;
  o.classes = 3, o.pixels = 300, o.batch = 32, o.epochs = 30, o.lr = 2e-2;
  const ChannelMap probe = train_probe(images, o), again = train_probe(images, o);
  CHECK(probe.matrix.shape() == Shape{5, 3});
  CHECK(std::equal(probe.matrix.data(), probe.matrix.data() + probe.matrix.size(), again.matrix.data()));
  CHECK(std::equal(probe.offset.data(), probe.offset.data() + probe.offset.size(), again.offset.data()));
  const LabelledFeatures fresh = example(3);
  const Tensor logits = linear(fresh.features, probe.matrix.permute({1, 0}), probe.offset);
  const Labels named = largest_of(logits, 0, 3);
  for (Index p = 0; p < 48; ++p) CHECK(named[static_cast<std::size_t>(p)] == (p % 8 < 3 ? 0 : p % 8 < 6 ? 1 : 2));
  const ChannelMap both = joined({probe, again});
  CHECK(both.matrix.shape() == Shape{5, 6});
  CHECK(both.matrix.data()[3] == probe.matrix.data()[0]);
  o.seed = 1;
  CHECK(train_probe(images, o).matrix.data()[0] != probe.matrix.data()[0]);

  std::vector<LabelledFeatures> nothing = {example(1)};
  nothing[0].labels.assign(24 * 32, 255);
  CHECK_THROWS_AS(train_probe(nothing, o), UsageError);
  CHECK_THROWS_AS(train_probe({}, o), UsageError);
}

TEST_CASE("probe: confusion, boundaries, spreads") {
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
