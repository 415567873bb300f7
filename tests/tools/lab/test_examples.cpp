// The worked examples, small: they run, and they show what they say they show.
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

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
  Image drawing{40, 48, {}};
  for (Index i = 0; i < 40 * 48 * 3; ++i) drawing.rgb.push_back((i / 3 % 48 / 6 + i / 3 / 48 / 5) % 2 ? 220 : 40);
  {
    std::ofstream file(folder / "in.ppm", std::ios::binary);
    file << "P6\n48 40\n255\n";
    for (const unsigned char byte : drawing.rgb) file.put(static_cast<char>(byte));
  }
  const std::string text =
      output_of("'" FU_PROGRAMS "/example_fit_photo' '" + (folder / "in.ppm") + "' '" + (folder / "out.ppm") + "' 150");
  const double plain = number_after(text, "plain coordinates: PSNR "),
               fourier = number_after(text, "Fourier features:  PSNR ");
  CHECK(plain > 5);
  CHECK(fourier > plain + 4);
  const Image learned = read_image(folder / "out.ppm");
  REQUIRE(learned.rgb.size() == drawing.rgb.size());
  CHECK(learned.width == 48);
  double error = 0;
  for (std::size_t i = 0; i < learned.rgb.size(); ++i) error += std::pow(learned.rgb[i] - drawing.rgb[i], 2);
  const double psnr = -10 * std::log10(error / (255.0 * 255.0 * static_cast<double>(learned.rgb.size())));
  CHECK(psnr == doctest::Approx(fourier).epsilon(0.02));  // the picture is what was learned, the right way up
  CHECK(output_of("'" FU_PROGRAMS "/example_fit_photo' '" + (folder / "no.ppm") + "' out.ppm 2>&1 || true") ==
        "example_fit_photo: error: " + (folder / "no.ppm") + ": no binary PPM of 8 bits\n");
}

TEST_CASE("examples: an upsampler of one's own follows edges that bilinear blurs") {
  const std::string text = output_of("'" FU_PROGRAMS "/example_own_upsampler'");
  const double bilinear = number_after(text, "bilinear     mean squared error "),
               own = number_after(text, "color-blend  mean squared error ");
  CHECK(own > 0);
  CHECK(own < bilinear / 2);
  CHECK(contains(text, "(1,96,96,1) of one channel"));  // with a map over channels
}

TEST_CASE("examples: a vision transformer learns shapes it has never seen") {
  const std::string text = output_of("'" FU_PROGRAMS "/example_train_vit' 200");
  CHECK(number_after(text, "before training ") < 50);
  CHECK(number_after(text, "after 200 steps ") > 60);
}

TEST_CASE("examples: each is below 80 lines, and sees public headers alone") {
  Index count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FU_SOURCE_DIR "/tools/examples")) {
    const std::string ending = entry.path().extension().string();
    if (ending != ".cpp" && ending != ".c" && ending != ".h") continue;
    CAPTURE(entry.path().string());
    std::ifstream file(entry.path());
    Index lines = 0;
    for (std::string line; std::getline(file, line); ++lines)
      if (line.rfind("#include \"", 0) == 0) CHECK(line == "#include \"shapes.h\"");
    CHECK(lines < 80);
    ++count;
  }
  CHECK(count >= 8);
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
