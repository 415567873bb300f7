// Pictures of the book: few colours, each near the one that it stands for.
#include <cstdlib>
#include <set>

#include "tests/support.h"
#include "tools/book/book.h"
#include "tools/book/picture.h"
#include "tools/media/image_io.h"

using namespace fu;
using namespace fu::test;

namespace {

/// The picture as a chapter's program writes it.
Image written(const Image& image) {
  const TempFolder folder;
  std::string program = "book_test", path = folder / "";
  char* arguments[] = {program.data(), path.data(), nullptr};
  REQUIRE(book::run_sections(2, arguments, {{"picture", [&] { book::write_picture("p.png", image); }}}) == 0);
  return read_image(folder / "p.png");
}

}  // namespace

TEST_CASE("book: a picture of few colours keeps them") {
  Image image{6, 5, {}};
  for (int p = 0; p < 30; ++p)
    for (int c = 0; c < 3; ++c) image.rgb.push_back(static_cast<unsigned char>(p % 3 == c ? 200 : 16 * (p % 4)));
  CHECK(written(image).rgb == image.rgb);
}

TEST_CASE("book: a picture of many colours has at most 192, near its own") {
  Image image{128, 128, {}};
  for (int i = 0; i < 128; ++i)
    for (int j = 0; j < 128; ++j)
      for (const int v : {2 * i, 2 * j, 255 - i - j}) image.rgb.push_back(static_cast<unsigned char>(v));
  const Image picture = written(image);
  REQUIRE(picture.rgb.size() == image.rgb.size());
  std::set<std::vector<unsigned char>> colors;
  int worst = 0;
  for (std::size_t p = 0; p < picture.rgb.size(); p += 3) {
    colors.insert({picture.rgb[p], picture.rgb[p + 1], picture.rgb[p + 2]});
    for (std::size_t c = p; c < p + 3; ++c) worst = std::max(worst, std::abs(picture.rgb[c] - image.rgb[c]));
  }
  CHECK(colors.size() <= 192);
  CHECK(worst <= 24);
}
