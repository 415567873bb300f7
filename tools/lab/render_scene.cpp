// render_scene SEED HEIGHT WIDTH IMAGE.png [LABELS.png [DEPTH.png|DEPTH.npy]]: draws a scene with exact outlines and
// depth: millimetres in a PNG of 16 bits, or metres.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "core/files/weights.h"
#include "featup/measure/scene.h"
#include "tools/media/image_io.h"
#include "tools/media/indexed_png.h"

namespace {

void write_depth(const std::string& path, const fu::RenderedScene& scene) {
  const fu::Index h = scene.image.height, w = scene.image.width;
  if (std::filesystem::path(path).extension() == ".npy") {
    fu::write_npy(path, fu::Tensor::from({h, w}, {scene.depth.begin(), scene.depth.end()}));
    return;
  }
  std::vector<std::uint16_t> millimetres;
  for (float depth : scene.depth)
    millimetres.push_back(static_cast<std::uint16_t>(static_cast<double>(depth) * 1000 + 0.5));
  fu::write_gray16_png(path, h, w, millimetres.data());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 7) {
    std::fprintf(stderr, "usage: render_scene SEED HEIGHT WIDTH IMAGE.png [LABELS.png [DEPTH.png|DEPTH.npy]]\n");
    return 2;
  }
  try {
    const fu::RenderedScene scene = fu::render_scene(
        std::strtoull(argv[1], nullptr, 10), std::strtol(argv[2], nullptr, 10), std::strtol(argv[3], nullptr, 10));
    fu::write_png(argv[4], scene.image);
    if (argc > 5) {
      fu::Image labels{scene.image.height, scene.image.width, {}};
      for (unsigned char label : scene.labels) labels.rgb.insert(labels.rgb.end(), 3, label);
      fu::write_png(argv[5], labels);
    }
    if (argc > 6) write_depth(argv[6], scene);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "render_scene: error: %s\n", error.what());
    return 1;
  }
}
