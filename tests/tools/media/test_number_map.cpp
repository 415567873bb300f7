// Pictures whose pixels are numbers.
#include <fstream>

#include "core/files/weights.h"
#include "tests/tools/program.h"
#include "tools/media/indexed_png.h"
#include "tools/media/number_map.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("number map: PNG of 16 bits and arrays, with what was not measured") {
  const TempFolder folder;
  const std::vector<std::uint16_t> values = {0, 1, 256, 65535, 4660, 0};
  write_gray16_png(folder / "a.png", 2, 3, values.data());
  CHECK(is_number_map(folder / "a.png"));
  const NumberMap png = read_number_map(folder / "a.png");
  REQUIRE(png.values.shape() == Shape{2, 3, 1});
  CHECK(png.known == std::vector<bool>{false, true, true, true, true, false});
  for (Index i = 0; i < 6; ++i)
    CHECK((values[usize(i)] == 0 ? std::isnan(png.values.data()[i])
                                 : png.values.data()[i] == static_cast<real>(values[usize(i)])));
  CHECK(read_image(folder / "a.png").width == 3);  // other programs open it too

  write_npy(folder / "b.npy", Tensor::from({1, 2, 2}, {0, 1, 2, INFINITY}));
  const NumberMap npy = read_number_map(folder / "b.npy");
  CHECK(npy.values.shape() == Shape{1, 2, 2});
  CHECK(npy.known == std::vector<bool>{true, false});
  CHECK(npy.values.data()[0] == 0);
  CHECK(std::isnan(npy.values.data()[2]));
  write_npy(folder / "c.npy", Tensor::zeros({4, 5}));
  CHECK(read_number_map(folder / "c.npy").values.shape() == Shape{4, 5, 1});
  CHECK(is_number_map(FU_SOURCE_DIR "/tests/pictures/deep.png"));
}

TEST_CASE("number map: refuses what is none, and damaged files") {
  const TempFolder folder;
  const auto message = [&](const std::string& name) { return message_of([&] { read_number_map(folder / name); }); };
  write_png(folder / "photo.png", render_scene(1, 20, 20).image);
  CHECK(!is_number_map(folder / "photo.png"));
  CHECK(contains(message("photo.png"), "has 8 bits a pixel or fewer"));
  std::ofstream(folder / "text.txt") << "no picture at all, but long enough to be one";
  CHECK(contains(message("text.txt"), "is no PNG and no .npy"));
  write_npy(folder / "deep.npy", Tensor::zeros({2, 2, 2, 2}));
  CHECK(contains(message("deep.npy"), "(2,2,2,2)"));
  write_gray16_png(folder / "a.png", 4, 4, std::vector<std::uint16_t>(16, 77).data());
  const std::string whole = slurp(folder / "a.png");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    std::ofstream(folder / "cut.png", std::ios::binary) << whole.substr(0, n);
    CHECK_THROWS_AS(read_number_map(folder / "cut.png"), FileError);
    std::string changed = whole;
    changed[n] = static_cast<char>(changed[n] ^ 16);
    std::ofstream(folder / "cut.png", std::ios::binary) << changed;
    CHECK_THROWS_AS(read_number_map(folder / "cut.png"), FileError);
  }
}
