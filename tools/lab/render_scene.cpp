// render_scene SEED HEIGHT WIDTH IMAGE.png [LABELS.png]: draws a scene with exact outlines.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "featup/measure/scene.h"
#include "tools/media/image_io.h"

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: render_scene SEED HEIGHT WIDTH IMAGE.png [LABELS.png]\n");
    return 2;
  }
  try {
    const fu::RenderedScene scene = fu::render_scene(
        std::strtoull(argv[1], nullptr, 10), std::strtol(argv[2], nullptr, 10), std::strtol(argv[3], nullptr, 10));
    fu::write_png(argv[4], scene.image);
    if (argc == 6) {
      fu::Image labels{scene.image.height, scene.image.width, {}};
      for (unsigned char label : scene.labels) labels.rgb.insert(labels.rgb.end(), 3, label);
      fu::write_png(argv[5], labels);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "render_scene: error: %s\n", error.what());
    return 1;
  }
}
