#include <limits>

#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("preprocess: sizes, crops and the resize's identities") {
  Image image{30, 40, std::vector<unsigned char>(30 * 40 * 3, 77)};
  CHECK(resize_antialiased(image, 30, 40).rgb == image.rgb);
  for (unsigned char v : resize_antialiased(image, 7, 91).rgb) REQUIRE(v == 77);
  const Extent e = input_extent(image, {224, 0, 0}, 16);
  CHECK(e.height == 224);
  CHECK(e.width == 304);  // 298.67 to whole patches
  CHECK(input_extent(image, {0, 64, 96}, 16).width == 96);
  CHECK(input_extent({1, 1000, {}}, {16, 0, 0}, 16).width == 16000);
  for (const Index n : {std::numeric_limits<Index>::max(), std::numeric_limits<Index>::min(), Index{-1}, Index{0}}) {
    CHECK_THROWS_AS(input_extent(image, {n, 0, 0}, 16), UsageError);
    CHECK_THROWS_AS(input_extent(image, {224, 64, n}, 16), UsageError);
    CHECK_THROWS_AS(input_extent(image, {224, n, 64}, 16), UsageError);
    CHECK_THROWS_AS(input_extent(image, {0, 0, 0, true}, n), UsageError);
  }
  const Image covered = cover(image, 20, 20);
  CHECK(covered.height == 20);
  CHECK(covered.width == 20);
  CHECK(contains(message_of([&] { center_crop(image, 31, 4); }), "[center_crop]"));
  const Tensor t = normalize(image);
  CHECK(t.data()[1] == doctest::Approx((77 / 255.0 - 0.456) / 0.224));
  CHECK(denormalize(t).data()[2] == doctest::Approx(77 / 255.0));
}

TEST_CASE("jitter: a drawn view stays inside, and a stream repeats") {
  Random a(3), b(3);
  for (int i = 0; i < 50; ++i) {
    const Jitter j = draw_jitter(a, 40, 60), k = draw_jitter(b, 40, 60);
    CHECK(j.top == k.top);
    CHECK(apply_jitter(Tensor::zeros({1, 40, 60, 2}), j).shape() == Shape{1, 40, 60, 2});
  }
  CHECK(contains(message_of([] { apply_jitter(Tensor::zeros({1, 20, 60, 2}), {20, 1, 0, 0, false}); }), "[jitter]"));
}
