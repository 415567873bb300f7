// compose_scenes OUT COUNT SIDE BACKGROUNDS CUTOUTS: lays cut-out objects over photos of backgrounds. The results are
// training pictures with many sharp outlines.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"

namespace {

using namespace fu;

struct Cutout {
  Image image;  // over white
  std::vector<unsigned char> opacity;
};

/// The cut-out at another size, its opacity scaled along as a picture of its own.
Cutout resized(const Cutout& c, Index height, Index width) {
  Image mask{c.image.height, c.image.width, {}};
  for (unsigned char o : c.opacity) mask.rgb.insert(mask.rgb.end(), 3, o);
  mask = resize_antialiased(mask, height, width);
  Cutout result{resize_antialiased(c.image, height, width), {}};
  for (std::size_t p = 0; p < mask.rgb.size(); p += 3) result.opacity.push_back(mask.rgb[p]);
  return result;
}

void lay_over(Image& scene, const Cutout& c, Index top, Index left, bool mirror) {
  for (Index i = std::max<Index>(0, -top); i < std::min(c.image.height, scene.height - top); ++i)
    for (Index j = std::max<Index>(0, -left); j < std::min(c.image.width, scene.width - left); ++j) {
      const Index from = i * c.image.width + (mirror ? c.image.width - 1 - j : j),
                  to = (top + i) * scene.width + left + j;
      const int open = 255 - c.opacity[usize(from)];
      for (Index k = 0; k < 3; ++k) {
        unsigned char& pixel = scene.rgb[usize(3 * to + k)];
        // The cut-out lies over white already: the share of white is replaced by the scene.
        const int value = c.image.rgb[usize(3 * from + k)] + open * (pixel - 255) / 255;
        pixel = static_cast<unsigned char>(std::clamp(value, 0, 255));
      }
    }
}

/// A cut-out, scaled so that its longer side is 0.25 to 0.8 of the scene's; false if it has no outline or is too small.
bool draw_cutout(const ImageFolder& objects, Index side, Random& random, Cutout& result) {
  Cutout c;
  c.image = read_image(objects.path(random.below(objects.size())), &c.opacity);
  const auto clear = std::count_if(c.opacity.begin(), c.opacity.end(), [](unsigned char o) { return o < 10; });
  // Only pictures that are transparent in a tenth of their pixels have an outline.
  if (clear * 10 < static_cast<std::ptrdiff_t>(c.opacity.size()) || std::min(c.image.height, c.image.width) < 80)
    return false;
  const double longest = static_cast<double>(std::max(c.image.height, c.image.width));
  const double scale =
      std::min(1.5, static_cast<double>(side) * static_cast<double>(random.uniform(real(0.25), real(0.8))) / longest);
  const auto scaled = [scale](Index m) {
    return std::max<Index>(1, static_cast<Index>(std::lround(static_cast<double>(m) * scale)));
  };
  result = resized(c, scaled(c.image.height), scaled(c.image.width));
  return true;
}

int run(const std::string& out, Index count, Index side, const std::string& backgrounds, const std::string& cutouts) {
  ImageFolder behind({backgrounds}, {side, side});
  const ImageFolder objects({cutouts}, {side, side});
  std::filesystem::create_directories(out);
  for (Index n = 0; n < count; ++n) {
    Random random(0, static_cast<std::uint64_t>(n));
    Image scene = behind.sample(random.below(behind.size()), true, Random(1, static_cast<std::uint64_t>(n)));
    const Index wanted = 2 + random.below(4);
    for (Index laid = 0, tries = 0; laid < wanted && tries < 40; ++tries) {
      Cutout c;
      if (!draw_cutout(objects, side, random, c)) continue;
      const Index top = random.below(side) - c.image.height / 2, left = random.below(side) - c.image.width / 2;
      lay_over(scene, c, top, left, random.uniform() < real(0.5));
      ++laid;
    }
    write_png(out + "/scene-" + std::to_string(n) + ".png", scene);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr,
                 "usage: compose_scenes OUT COUNT SIDE BACKGROUNDS CUTOUTS\n  COUNT pictures of SIDE x SIDE pixels "
                 "into the folder OUT\n");
    return 2;
  }
  try {
    return run(argv[1], std::atol(argv[2]), std::atol(argv[3]), argv[4], argv[5]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compose_scenes: error: %s\n", error.what());
    return 1;
  }
}
