// The worked examples, small: they run, and they show what they say they show.
#include <array>
#include <cstdio>

#include "tests/support.h"
#include "tools/media/image_io.h"

using namespace fu;
using namespace fu::test;

namespace {

/// What a command prints.
std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe)) text += part.data();
  CHECK(pclose(pipe) == 0);
  return text;
}

/// The number behind a piece of text.
double number_after(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  return std::atof(text.c_str() + at + mark.size());
}

}  // namespace

TEST_CASE("examples: Fourier features let a network learn a picture") {
  const TempFolder folder;
  const std::string text =
      output_of("'" FU_PROGRAMS "/example_fit_photo' --size 48 --steps 80 --out '" + (folder / "fit.png") + "'");
  const double plain = number_after(text, "plain coordinates: PSNR "),
               fourier = number_after(text, "Fourier features:  PSNR ");
  CHECK(plain > 10);
  CHECK(fourier > plain + 4);
  const Image picture = read_image(folder / "fit.png");
  CHECK(picture.height == 48);
  CHECK(picture.width == 3 * 48 + 2 * 4);
}

TEST_CASE("examples: the check of gradients finds the planted mistake, and passes what is right") {
  const std::string text = output_of("'" FU_PROGRAMS "/example_gradcheck'");
  CHECK(contains(text, "6 of 6 differ"));
  CHECK(contains(text, "input 0 (2,3), element ("));
  CHECK(contains(text, "all 6 agree"));
}

TEST_CASE("examples: a classifier learns shapes it has never seen") {
  const std::string text = output_of("'" FU_PROGRAMS "/example_classify_shapes' 250");
  CHECK(number_after(text, "before training ") < 50);
  CHECK(number_after(text, "after training ") > 65);
}
