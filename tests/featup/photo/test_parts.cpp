// Parts of a resized photo are those of the whole, bit for bit.
#include "featup/photo/preprocess.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("resize: a part is cut from the whole, whichever sides change") {
  Random random(3);
  Image photo{37, 53, {}};
  for (Index i = 0; i < 37 * 53 * 3; ++i) photo.rgb.push_back(static_cast<unsigned char>(random.below(256)));
  for (const Extent size : {Extent{37, 53}, Extent{37, 20}, Extent{90, 53}, Extent{12, 17}, Extent{111, 160}})
    for (int i = 0; i < 20; ++i) {
      const Index top = random.below(size.height), left = random.below(size.width);
      const ImagePart part{top, left, 1 + random.below(size.height - top), 1 + random.below(size.width - left)};
      const Image whole = resize_antialiased(photo, size.height, size.width), one = resize_part(photo, size, part);
      CHECK(one.rgb == crop(whole, part.top, part.left, part.rows, part.cols).rgb);
      CHECK(cover_part(photo, size, part).rgb ==
            crop(cover(photo, size.height, size.width), part.top, part.left, part.rows, part.cols).rgb);
    }
  CHECK(contains(message_of([&] { resize_part(photo, {10, 10}, {5, 5, 6, 1}); }), "must lie inside"));
  CHECK(contains(message_of([&] { resize_part(photo, {0, 10}, {0, 0, 1, 1}); }), "sizes must be at least 1"));
}
