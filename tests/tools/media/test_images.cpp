#include "tools/media/image_io.h"

#include <cstring>
#include <fstream>
#include <new>
#include <set>

#include "tests/support.h"
#include "tools/media/label_picture.h"
#include "tools/media/pictures.h"
#include "tools/media/stb_memory.h"

using namespace fu;
using namespace fu::test;

namespace {

const std::string kPictures = FU_SOURCE_DIR "/tests/pictures/";

/// The scene of all pictures: 24x16, left half red, right half blue, a white square of 8 in the top left corner.
bool shows_the_scene(const Image& i, int tolerance) {
  if (i.height != 16 || i.width != 24) return false;
  const auto near = [&](Index y, Index x, int r, int g, int b) {
    const unsigned char* p = i.rgb.data() + (y * 24 + x) * 3;
    return std::abs(p[0] - r) <= tolerance && std::abs(p[1] - g) <= tolerance && std::abs(p[2] - b) <= tolerance;
  };
  return near(2, 2, 255, 255, 255) && near(13, 2, 220, 30, 30) && near(2, 20, 30, 30, 220) && near(13, 20, 30, 30, 220);
}

std::string error_for(const std::string& bytes) {
  const TempFolder folder;
  std::ofstream(folder / "x", std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return message_of([&] { read_image(folder / "x"); });
}

}  // namespace

TEST_CASE("images: every format and kind of pixel") {
  for (const char* name : {"rgb.png", "rgb.bmp", "rgb.tga", "rgb.ppm"}) {
    CAPTURE(name);
    CHECK(shows_the_scene(read_image(kPictures + name), 0));
  }
  CHECK(shows_the_scene(read_image(kPictures + "palette.png"), 12));
  const Image grey = read_image(kPictures + "grey.png"), pgm = read_image(kPictures + "grey.pgm"),
              deep = read_image(kPictures + "deep.png");
  CHECK(grey.rgb == pgm.rgb);
  CHECK(grey.rgb == deep.rgb);
  CHECK(grey.rgb[0] == 255);
  CHECK((grey.rgb[3 * 20] == grey.rgb[3 * 20 + 1] && grey.rgb[3 * 20] == grey.rgb[3 * 20 + 2]));
  const Image alpha = read_image(kPictures + "alpha.png");  // the right half is transparent: white
  CHECK(alpha.rgb[3 * (13 * 24 + 2)] == 220);
  CHECK(alpha.rgb[3 * (13 * 24 + 20)] == 255);
}

TEST_CASE("images: bitmaps of one bit a pixel, raw and plain") {
  const TempFolder folder;
  const auto read = [&](const std::string& bytes) {
    std::ofstream(folder / "x.pbm", std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return read_image(folder / "x.pbm");
  };
  const Image raw = read(std::string("P4\n# a comment\n10 2\n\xa0\x40\x00\x80", 24)),
              plain = read("P1 10 2 1010000001 # a comment\n00000 0 0010");
  REQUIRE(raw.rgb.size() == 60);
  CHECK(raw.width == 10);
  CHECK(raw.rgb[0] == 0);
  CHECK(raw.rgb[3] == 255);
  CHECK(raw.rgb[3 * 9] == 0);
  CHECK(raw.rgb[3 * 18] == 0);
  CHECK(raw.rgb == plain.rgb);
  CHECK(contains(error_for("P4\n10 2\nabc"), "cut off or damaged"));
  CHECK(contains(error_for("P1\n2 2\n1 0 1"), "cut off"));
  CHECK(contains(error_for("P1\n2 2\n1 0 2 0"), "neither 0 nor 1"));
}

TEST_CASE("images: what other programs open is opened, with the same pixels") {
  FU_NEEDS_SHARED(shared);
  const std::string cases = shared + "/cases/";
  const Image plain = read_image(cases + "plain_reference.jpg");
  CHECK(read_image(cases + "jpeg_sos_params_zero.jpg").rgb == plain.rgb);
  for (const char* name : {"exif_orientation6_fill_bytes.jpg", "exif_orientation6_long_big_endian.jpg"}) {
    const Image turned = read_image(cases + name);
    REQUIRE(turned.height == plain.width);
    REQUIRE(turned.width == plain.height);
    bool same = true;  // turned by 90 degrees clockwise
    for (Index y = 0; y < turned.height; ++y)
      for (Index x = 0; x < turned.width; ++x)
        same = same && std::memcmp(&turned.rgb[usize(3 * (y * turned.width + x))],
                                   &plain.rgb[usize(3 * ((plain.height - 1 - x) * plain.width + y))], 3) == 0;
    CHECK(same);
  }
  const Image bmp = read_image(cases + "bmp_top_down.bmp"), png = read_image(cases + "png_text_chunk_bad_crc.png");
  CHECK(bmp.height == 64);
  CHECK(bmp.rgb == png.rgb);
  const Image pbm = read_image(cases + "pbm_raw.pbm");
  CHECK(pbm.width == 8);
  CHECK(pbm.height == 2);
  for (const auto& entry : std::filesystem::directory_iterator(cases + "hostile")) {
    const std::string path = entry.path().string(), ending = entry.path().extension().string();
    if (!std::set<std::string>{".png", ".bmp", ".tga", ".pgm", ".ppm", ".pbm", ".jpg"}.count(ending)) continue;
    const std::string error = message_of([&] { read_image(path); });
    CAPTURE(error);
    CHECK((error.empty() || (error.rfind(path, 0) == 0 && !contains(error, "\n"))));
  }
  CHECK(contains(message_of([&] { read_image(cases + "hostile/palo.png"); }), "of a palette of"));
  // Broken, but not where the pixels are.
  for (const char* name :
       {"16x65535.png", "1x1.png", "65535x1.png", "65535x16.png", "65536x16.png", "exif.png", "exif2.png", "pal.png",
        "trail.png", "t0.tga", "p4.pbm", "jpg_exif99.jpg", "jpg_exifbad.jpg", "prog.jpg"}) {
    CAPTURE(name);
    CHECK(message_of([&] { read_image(cases + "hostile/" + name); }) == "");
  }
}

TEST_CASE("images: classes are grey levels or the numbers of a palette's colours") {
  const TempFolder folder;
  const Image colours = read_image(kPictures + "palette.png"), classes = read_label_picture(kPictures + "palette.png");
  REQUIRE(classes.rgb.size() == colours.rgb.size());
  // Where colours are equal, classes are, and they are small.
  CHECK(classes.rgb[0] != classes.rgb[3 * 20]);
  for (const unsigned char c : classes.rgb) CHECK(c < 16);
  const Image grey = read_image(kPictures + "grey.png");
  CHECK(read_label_picture(kPictures + "grey.png").rgb == grey.rgb);
  for (const char* name : {"rgb.png", "rgb.bmp", "orientation_1.jpg"})
    CHECK(
        contains(message_of([&] { read_label_picture(kPictures + name); }), "is a picture of colours, not of classes"));
  CHECK(contains(message_of([&] { read_label_picture(kPictures + "deep.png"); }), "has 16 bits a pixel"));
  write_png(folder / "grey.png", grey);  // three equal channels
  CHECK(read_label_picture(folder / "grey.png").rgb == grey.rgb);
  FU_NEEDS_SHARED(shared);
  const std::string labels = shared + "/cases/voc_palette_labels/";
  for (const auto& entry : std::filesystem::directory_iterator(labels + "grey"))
    CHECK(read_label_picture(labels + "voc/" + entry.path().filename().string()).rgb ==
          read_label_picture(entry.path().string()).rgb);
}

TEST_CASE("images: all eight orientations come out upright") {
  for (int o = 1; o <= 8; ++o) {
    CAPTURE(o);
    CHECK(shows_the_scene(read_image(kPictures + "orientation_" + std::to_string(o) + ".jpg"), 12));
  }
}

TEST_CASE("images: transparency is turned with the picture") {
  std::ifstream in(kPictures + "alpha.png", std::ios::binary);
  std::string png{std::istreambuf_iterator<char>(in), {}};
  // An eXIf chunk behind the header (33 bytes): a big-endian TIFF block with one entry, orientation 6, which is turned
  // by 90 degrees clockwise.
  const std::string chunk("eXIfMM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0\0\0\0\0", 30);
  std::uint32_t crc = ~std::uint32_t{0};
  for (char c : chunk) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? 0xedb88320u ^ crc >> 1 : crc >> 1;
  }
  std::string sum, length("\0\0\0\32", 4);
  for (int shift = 24; shift >= 0; shift -= 8) sum += static_cast<char>(~crc >> shift & 255);
  png.insert(33, length + chunk + sum);
  const TempFolder folder;
  std::ofstream(folder / "x.png", std::ios::binary).write(png.data(), static_cast<std::streamsize>(png.size()));
  std::vector<unsigned char> opacity;
  const Image image = read_image(folder / "x.png", &opacity);
  CHECK(image.height == 24);
  CHECK(image.width == 16);
  REQUIRE(opacity.size() == 24 * 16);
  CHECK(opacity[2 * 16 + 5] == 255);
  CHECK(opacity[22 * 16 + 5] == 0);  // the right half was transparent, and is the lower one now
}

TEST_CASE("images: a PNG survives the way out and in") {
  const TempFolder folder;
  const Image image = read_image(kPictures + "rgb.png");
  write_png(folder / "x.png", image);
  CHECK(read_image(folder / "x.png").rgb == image.rgb);
  CHECK(contains(message_of([&] { write_png(folder / "no/x.png", image); }), "cannot be written"));
}

TEST_CASE("images: broken and absurd ones are refused") {
  CHECK(contains(error_for("not a picture at all"), "is not a PNG, JPEG, BMP, TGA, PBM, PGM or PPM picture"));
  CHECK(contains(error_for("P6\n20000 20000\n255\nabc"), "more than 268435456"));
  CHECK(contains(error_for("P6\n9000 9000\n255\nabc"), "in 20 bytes: it is cut off or damaged"));
  CHECK(contains(message_of([] { read_image(kPictures + "cmyk.jpg"); }), "is a CMYK JPEG"));
  CHECK(contains(message_of([] { read_image(kPictures + "none.png"); }), "cannot be opened"));
  CHECK(contains(message_of([] { read_image(kPictures); }), "is not a regular file"));
  Random random(1);
  for (const char* name :
       {"rgb.png", "rgb.bmp", "rgb.tga", "rgb.ppm", "orientation_6.jpg", "palette.png", "deep.png"}) {
    std::ifstream in(kPictures + name, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t n = 0; n < whole.size(); n += 13) error_for(whole.substr(0, n));
    CHECK(!error_for(whole.substr(0, whole.size() / 2)).empty());
    for (int i = 0; i < 300; ++i) {
      std::string mutated = whole;
      for (int k = 0; k < 3; ++k)
        mutated[static_cast<std::size_t>(random.below(static_cast<Index>(whole.size())))] =
            static_cast<char>(random.below(256));
      error_for(mutated);  // a picture or an error, but no crash
    }
  }
}

TEST_CASE("images: an encoder that finds no memory throws, and its blocks are freed") {
  const StbWriterMemory memory;
  void* const kept = stb_writer_reallocate(nullptr, 10);
  void* const grown = stb_writer_reallocate(stb_writer_reallocate(nullptr, 10), 100000);
  std::memset(grown, 1, 100000);
  stb_writer_free(stb_writer_reallocate(nullptr, 20));
  CHECK_THROWS_AS(stb_writer_reallocate(kept, std::size_t{1} << 60), std::bad_alloc);
  std::memset(kept, 1, 10);  // it is still there; what is left is freed by `memory`, which sanitizers check
}

TEST_CASE("pictures: side by side, and colours of maps with few channels") {
  const Image a{2, 3, std::vector<unsigned char>(18, 10)}, b{4, 2, std::vector<unsigned char>(24, 20)};
  const Image both = side_by_side({a, b}, 1);
  CHECK(both.height == 4);
  CHECK(both.width == 6);
  CHECK(both.rgb[3 * 3] == 255);
  CHECK(enlarge_nearest(a, 5, 7).rgb.size() == 105);
  Random random(3);
  for (Index c : {Index{1}, Index{2}, Index{5}}) {
    const Tensor x = random.normal({1, 4, 4, c});
    CHECK(FeatureColors(x).paint(x).rgb.size() == 48);
  }
  const Tensor flat = Tensor::full({1, 4, 4, 3}, 7);  // no variance: some colour, no crash
  CHECK(FeatureColors(flat).paint(flat).rgb.size() == 48);
}
