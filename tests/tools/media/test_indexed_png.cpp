// PNGs of numbers: what is written is read back, by the library's readers and by others' rules.
#include "tools/media/indexed_png.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/program.h"
#include "tools/media/label_picture.h"

using namespace fu;
using namespace fu::test;

namespace {

Palette greys(int colors) {
  Palette palette;
  for (int i = 0; i < colors; ++i)
    palette.push_back({static_cast<unsigned char>(i), static_cast<unsigned char>(255 - i), 7});
  return palette;
}

}  // namespace

TEST_CASE("indexed PNG: numbers, colours and texts are read back") {
  const TempFolder folder;
  Random random(4);
  for (const auto& size : {std::array<Index, 3>{1, 1, 1}, {1, 300, 256}, {301, 1, 2}, {37, 53, 150}, {64, 64, 256}}) {
    const Index height = size[0], width = size[1], colors = size[2];
    CAPTURE(height);
    std::vector<unsigned char> indices;
    for (Index i = 0; i < height * width; ++i) indices.push_back(static_cast<unsigned char>(random.below(colors)));
    const Palette palette = greys(static_cast<int>(colors));
    write_indexed_png(folder / "x.png", height, width, indices.data(), palette,
                      {{"Title", "a"}, {"class 0", "Fuß\n猫"}});
    const Image numbers = read_label_picture(folder / "x.png"), picture = read_image(folder / "x.png");
    REQUIRE(numbers.height == height);
    REQUIRE(numbers.width == width);
    bool same = true;
    for (std::size_t p = 0; p < indices.size(); ++p) {
      same = same && numbers.rgb[3 * p] == indices[p];
      for (std::size_t c = 0; c < 3; ++c) same = same && picture.rgb[3 * p + c] == palette[indices[p]][c];
    }
    CHECK(same);
    const std::string bytes = slurp(folder / "x.png");
    CHECK(contains(bytes, std::string("tEXtTitle\0a", 11)));
    CHECK(contains(bytes, std::string("iTXtclass 0\0\0\0\0\0Fuß\n猫", 24)));
  }
  const std::string odd = encode_indexed_png(1, 1, reinterpret_cast<const unsigned char*>(""), greys(1),
                                             {{"k", std::string("a\0b", 3)}, {"broken", "\xff"}});
  CHECK(contains(odd, std::string("tEXtk\0a b", 9)));
  CHECK(contains(odd, std::string("iTXtbroken\0\0\0\0\0\xef\xbf\xbd", 18)));
}

TEST_CASE("indexed PNG: areas of one class take few bytes") {
  std::vector<unsigned char> indices(1500 * 2000);
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<unsigned char>(i % 2000 / 100);
  const std::string png = encode_indexed_png(1500, 2000, indices.data(), greys(20));
  CHECK(png.size() < 30000);
  CHECK(encode_indexed_png(1500, 2000, indices.data(), greys(20)) == png);
}

TEST_CASE("indexed PNG: broken rules are named") {
  const TempFolder folder;
  const unsigned char indices[] = {0, 1, 2, 3};
  const auto error = [&](Index height, Index width, int colors, const std::string& key) {
    return message_of([&] { write_indexed_png(folder / "x.png", height, width, indices, greys(colors), {{key, ""}}); });
  };
  CHECK(error(2, 2, 4, "k").empty());
  CHECK(contains(error(2, 2, 3, "k"), "a pixel has number 3, the palette 3 colours"));
  CHECK(contains(error(2, 2, 0, "k"), "a palette of 0 colours"));
  CHECK(contains(error(2, 2, 257, "k"), "a palette of 257 colours"));
  CHECK(contains(error(0, 2, 4, "k"), "a picture of 0x2 pixels"));
  CHECK(contains(error(2, 2, 4, ""), "must be 1 to 79 printable ASCII characters"));
  CHECK(contains(error(2, 2, 4, "k "), "without spaces at the ends"));
  CHECK(contains(error(2, 2, 4, std::string(80, 'k')), "must be 1 to 79"));
  CHECK(contains(message_of([&] { write_indexed_png(folder / "no/x.png", 2, 2, indices, greys(4)); }),
                 "cannot be written"));
}

TEST_CASE("indexed PNG: 16-bit numbers are read back, and are no classes") {
  const TempFolder folder;
  Random random(5);
  std::vector<std::uint16_t> values;
  for (Index i = 0; i < 31 * 47; ++i) values.push_back(static_cast<std::uint16_t>(random.below(65536)));
  values[0] = 0x1234, values[1] = 65535;
  write_gray16_png(folder / "x.png", 31, 47, values.data(), {{"unit", "mm"}});
  const std::string png = slurp(folder / "x.png");
  CHECK(png.substr(16, 10) == std::string("\0\0\0\57\0\0\0\37\20\0", 10));  // 47 x 31, 16 bits, grey
  // A row: the number of its filter, then big-endian numbers less those of the row above, byte by byte.
  std::vector<unsigned char> rows(31 * 95);
  uLongf size = rows.size();
  const std::size_t data = png.find("IDAT") + 4;
  REQUIRE(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(png.data() + data), png.size() - data - 16) ==
          Z_OK);
  REQUIRE(size == rows.size());
  bool same = true;
  for (std::size_t i = 0; i < 31; ++i)
    for (std::size_t k = 0; k < 95; ++k) {
      if (k > 0 && i > 0) rows[95 * i + k] = static_cast<unsigned char>(rows[95 * i + k] + rows[95 * (i - 1) + k]);
      if (k > 0 && k % 2 == 0)
        same = same && values[47 * i + k / 2 - 1] == rows[95 * i + k - 1] * 256 + rows[95 * i + k];
    }
  CHECK(same);
  CHECK(read_image(folder / "x.png").rgb[3] == 255);
  CHECK(contains(message_of([&] { read_label_picture(folder / "x.png"); }), "has 16 bits a pixel"));
  CHECK(contains(message_of([&] { write_gray16_png(folder / "x.png", 0, 1, values.data()); }), "of 0x1 pixels"));
}
