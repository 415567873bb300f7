// The rule that recommends a method, on planted numbers.
#include "tools/cli/recommendation.h"

#include <cmath>

#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Quality quality(std::vector<double> samples) {
  Quality q;
  double n = 0;
  for (const double v : samples)
    if (std::isfinite(v)) q.value += v, ++n;
  q.value /= n;
  q.samples = std::move(samples);
  return q;
}

MethodQuality method(const std::string& name, double milliseconds, std::vector<double> explained,
                     Cost cost = Cost::one_pass) {
  return {name, cost, milliseconds, quality(std::move(explained)), {}};
}

const MethodQuality kBilinear = method("bilinear", 1.04, {0.20, 0.35, 0.27});

}  // namespace

TEST_CASE("recommendation: the clear winner of one pass, whatever the photos differ among each other") {
  const Recommendation r =
      recommend({kBilinear, method("nearest", 0.5, {0.1, 0.2, 0.2}), method("builtin", 12.3, {0.23, 0.39, 0.30}),
                 method("folder:x", 0, {0.9, 0.9, 0.9}, Cost::made_elsewhere)});
  CHECK(r.pick == "builtin");
  CHECK(r.above_reference);
  CHECK(r.slow.empty());
  CHECK(!r.by_labels);
  CHECK(r.agree);
  CHECK(r.sentence == "Take builtin: it explains 0.307 of unseen views, bilinear 0.273, in 12 ms a photo.");
}

TEST_CASE("recommendation: bilinear, where nothing is above it by more than the spread of the mean") {
  const Recommendation r = recommend({kBilinear, method("builtin", 12, {0.25, 0.31, 0.28})});
  CHECK(r.pick == "bilinear");
  CHECK(!r.above_reference);
  CHECK(r.sentence ==
        "Take bilinear: no other method of one pass is above it by more than the spread of the mean. The best one is "
        "builtin, 0.280 where bilinear has 0.273, a difference of 0.007 +- 0.026; bilinear takes 1.0 ms a photo.");
  CHECK(recommend({kBilinear, method("nearest", 1, {0.1, 0.1, 0.1})}).sentence ==
        "Take bilinear: it explains 0.273 of unseen views in 1.0 ms a photo, and no other method of one pass does "
        "better.");
  CHECK(contains(recommend({kBilinear}).sentence, "no other method of one pass was measured"));
  CHECK(contains(message_of([] { recommend({}); }), "[recommend]"));
}

TEST_CASE("recommendation: what a slow method gains is told on the photos that it saw") {
  const MethodQuality builtin = method("builtin", 12, {0.23, 0.39, 0.30});
  const Recommendation all = recommend({kBilinear, builtin, method("views:80", 900, {0.4, 0.4, 0.4}, Cost::many_passes),
                                        method("fit", 3940, {0.5, 0.6, 0.55}, Cost::many_passes)});
  CHECK(all.pick == "builtin");
  CHECK(all.slow == "fit");
  CHECK(contains(all.sentence, ", in 12 ms a photo. If seconds are fine, fit explains 0.550 in 3.9 s."));
  // Its photo is an easy one: its value is above the pick's mean, and below the pick there.
  const Recommendation easy = recommend({kBilinear, builtin, method("fit", 4000, {NAN, 0.38, NAN}, Cost::many_passes)});
  CHECK(easy.slow.empty());
  CHECK(contains(easy.sentence,
                 "none is better by more than the spread of the mean: fit has 0.380 in 4.0 s (on 1 of 3 photos, where "
                 "the difference is -0.010, a single sample)."));
  const Recommendation some = recommend({kBilinear, builtin, method("fit", 400, {0.5, NAN, 0.5}, Cost::many_passes)});
  CHECK(some.slow == "fit");
  CHECK(contains(some.sentence,
                 "If 400 ms are fine, fit explains 0.500 in 400 ms (on 2 of 3 photos, where it gains "
                 "0.235 +- 0.035)."));
  // No method of one pass is worth it, and the slow one is compared with bilinear.
  const Recommendation only_slow = recommend({kBilinear, method("fit", 4e4, {0.5, 0.6, 0.5}, Cost::many_passes)});
  CHECK(only_slow.pick == "bilinear");
  CHECK(only_slow.slow == "fit");
}

TEST_CASE("recommendation: labels are followed, and the other measure is told") {
  MethodQuality bilinear = kBilinear, a = method("a", 5, {0.3, 0.45, 0.37}), b = method("b", 9, {0.1, 0.2, 0.2});
  bilinear.iou = quality({40, 50}), a.iou = quality({38, 47}), b.iou = quality({44, 55});
  const Recommendation apart = recommend({bilinear, a, b});
  CHECK(apart.by_labels);
  CHECK(apart.pick == "b");
  CHECK(!apart.agree);
  CHECK(apart.sentence ==
        "Take b: a linear probe reaches a mean IoU of 49.5 % with it, bilinear 45.0 %, in 9.0 ms a photo. This follows "
        "the labels; explained variance of unseen views would pick a (0.373, b 0.167).");
  a.iou.samples.swap(b.iou.samples), std::swap(a.iou.value, b.iou.value);
  const Recommendation same = recommend({bilinear, a, b});
  CHECK(same.pick == "a");
  CHECK(same.agree);
  CHECK(contains(same.sentence, "explained variance of unseen views picks the same."));
}

TEST_CASE("recommendation: one sample has no spread, and is called one") {
  const Recommendation r = recommend({method("bilinear", 1, {0.2}), method("builtin", 12, {0.3})});
  CHECK(r.pick == "builtin");
  CHECK(contains(r.sentence, "a single sample"));
  CHECK(gain_of(quality({1, 2, NAN}), quality({0, 3, 1})).samples == 2);
  CHECK(gain_of(quality({1, 2}), quality({0, 0})).spread == doctest::Approx(0.5));
  CHECK(gain_of({}, {}).clear() == false);
  CHECK(time_text(0.44) == "0.4 ms");
  CHECK(time_text(999.7) == "1.0 s");
  CHECK(time_text(12300) == "12 s");
}
