// The library in a few lines: pixels in, features out. README.md shows this program.
#include <cstdio>

#include "featup/backbones/backbone.h"
#include "featup/upsamplers/registry.h"

int main(int argc, char** argv) {
  fu::Image photo{480, 640, std::vector<unsigned char>(480 * 640 * 3, 128)};  // RGB bytes from your camera
  const auto backbone = fu::open_backbone(argc > 1 ? argv[1] : "builtin");
  const auto upsampler = fu::open_upsampler(argc > 2 ? argv[2] : "builtin");
  const fu::Guide guide = [&](fu::Index h, fu::Index w) {
    return fu::normalize(fu::cover(photo, h ? h : 224, w ? w : 224));
  };
  const fu::Tensor coarse = backbone->features(guide(224, 224));              // (1,14,14,C)
  const fu::Tensor fine = (*upsampler)(coarse, guide, fu::Extent{224, 224});  // (1,224,224,C)
  std::printf("%s -> %s\n", coarse.shape().str().c_str(), fine.shape().str().c_str());
}
