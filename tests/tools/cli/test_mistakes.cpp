// What people type by mistake: nothing of theirs is replaced, and nothing is taken for something else.
#include "tests/core/file_bytes.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: a picture beside a result replaces none that it did not write") {
  const TempFolder folder;
  write_png(folder / "photo.pnm.png", render_scene(1, 64, 64).image);
  std::filesystem::rename(folder / "photo.pnm.png", folder / "photo.jpg");  // the content counts, not the name
  const std::string mine = "\x89PNG\r\n\x1a\n a picture of somebody else, of which nobody may lose a byte";
  const auto put = [&](const std::string& name) { std::ofstream(folder / name, std::ios::binary) << mine; };
  put("photo.png");
  put("fit.png");
  check_refused(folder, "upsample photo.jpg -o . --quiet", "photo.png: is there already");
  check_refused(folder, "fit photo.jpg -o fit.safetensors --views 2 --held-out 1 --quiet", "fit.png: is there already");
  CHECK(slurp(folder / "photo.png") == mine);
  CHECK(slurp(folder / "fit.png") == mine);
  CHECK(!std::filesystem::exists(folder / "fit.safetensors"));

  // Its own are replaced, as often as the command runs.
  for (int i = 0; i < 2; ++i) CHECK(run(folder, "upsample photo.jpg -o out --quiet").code == 0);
  for (int i = 0; i < 2; ++i)
    CHECK(run(folder, "fit photo.jpg -o a.safetensors --views 2 --held-out 1 --quiet").code == 0);
  put("query.png");
  check_refused(folder, "query a.safetensors -o query.npy --quiet", "query.png: is there already");
  CHECK(slurp(folder / "query.png") == mine);

  write_png(folder / "other.png", render_scene(2, 64, 64).image);
  check_refused(folder, "query a.safetensors --image other.png -o b.npy --quiet", "not the photo that was fitted");
  CHECK(!std::filesystem::exists(folder / "b.npy"));
  write_png(folder / "larger.png", resize_antialiased(read_image(folder / "photo.jpg"), 128, 128));
  CHECK(run(folder, "query a.safetensors --image larger.png --size 128x128 -o c.npy --quiet").code == 0);
}

TEST_CASE("program: numbers are decimal and fit, and an empty text is none") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  const auto seeded = [&](const std::string& seed, const std::string& out) {
    CHECK(run(folder, "upsample a.png --upsampler views:2 --size 64 --quiet --seed " + seed + " -o " + out).code == 0);
    return slurp(folder / (out + "/a.npy"));
  };
  const std::string ten = seeded("10", "ten");
  CHECK(seeded("010", "octal") == ten);
  CHECK(seeded("8", "eight") != ten);
  CHECK(seeded("18446744073709551615", "most") != ten);
  for (const char* seed : {"18446744073709551616", "99999999999999999999999", "-1"})
    check_refused(folder, std::string("upsample a.png --seed ") + seed, "--seed", 2);
  for (const char* option : {"--features", "--project", "--out-size", "--shard", "-o", "--backbone", "--upsampler"})
    check_refused(folder, std::string("upsample a.png --quiet ") + option + " ''", "is empty", 2);
  CHECK(!std::filesystem::exists(folder / "featup-out"));
}

TEST_CASE("program: standard input and output where one file is meant, and a clear word where it is not") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  REQUIRE(run(folder, "convert builtin -o w.safetensors --quiet").code == 0);
  CHECK(run_shell(folder, "'" FU_PROGRAM "' convert - -o copy.safetensors --quiet < w.safetensors").code == 0);
  CHECK(slurp(folder / "copy.safetensors") == slurp(folder / "w.safetensors"));
  std::filesystem::create_directory(folder / "-");
  CHECK(run_shell(folder, "'" FU_PROGRAM "' info - < w.safetensors").code == 0);
  check_refused(folder, "segment a.png --head -o -", "name of a folder", 2);
  check_refused(folder, "segment a.png --head", "the built-in backbone has no classifier");
}
