// Images that are none: no function reads beyond their bytes.
#include <functional>
#include <map>

#include "core/error.h"
#include "featup/fit/fitted_map.h"
#include "featup/photo/preprocess.h"
#include "tests/support.h"

using namespace fu;

namespace {

Image image(Index height, Index width, Index bytes) {
  return {height, width, std::vector<unsigned char>(usize(bytes), 100)};
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("images: every function refuses one without pixels, with too few bytes, and with a fourth channel") {
  const std::map<std::string, std::function<void(const Image&)>> functions = {
      {"resize_antialiased", [](const Image& i) { resize_antialiased(i, 4, 4); }},
      {"crop", [](const Image& i) { crop(i, 0, 0, 1, 1); }},
      {"center_crop", [](const Image& i) { center_crop(i, 1, 1); }},
      {"cover", [](const Image& i) { cover(i, 4, 4); }},
      {"input_extent", [](const Image& i) { input_extent(i, InputSize(), 16); }},
      {"normalize", [](const Image& i) { normalize(i); }},
      {"fitted_renderer", [](const Image& i) {
         FittedMap fit;
         fit.photo = image(2, 2, 12), fit.low = fit.grid = Tensor::zeros({1, 1, 1, 3});
         FittedRenderer(fit, i);
       }}};
  for (const auto& one : functions) {
    const std::string& name = one.first;
    CAPTURE(name);
    const auto told = [&one](const Image& i) { return message_of([&] { one.second(i); }); };
    CHECK(told(image(0, 5, 0)) == "[" + name +
                                      "] an image of 0x5 pixels: both sides must be at least 1. Give an image "
                                      "with pixels.");
    CHECK(told(image(5, -1, 0)).find("5x-1 pixels") != std::string::npos);
    CHECK(told(image(Index{1} << 60, 16, 48)).find("both sides") != std::string::npos);
    if (name == "input_extent") continue;  // it looks at the sides alone
    const std::string rest =
        ": it must have 60, red, green and blue of every pixel. Leave out a fourth channel, and "
        "what fills up rows.";
    CHECK(told(image(4, 5, 59)) == "[" + name + "] an image of 4x5 pixels with 59 bytes" + rest);
    CHECK(told(image(4, 5, 80)) == "[" + name + "] an image of 4x5 pixels with 80 bytes" + rest);
    CHECK(told(image(4, 5, 60)) == "no error");
  }
}
