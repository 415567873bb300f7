// Scenes that the project draws itself: textured objects over a background, with their exact outlines. They serve where
// no photo is at hand, and as tests with exact labels.
#pragma once

#include "featup/photo/preprocess.h"

namespace fu {

struct RenderedScene {
  Image image;
  std::vector<unsigned char> labels;  // (height, width): 0 background, 1 and up the objects, later ones in front
};

/// Draws scene number `seed`: sky and ground, and five objects of different shapes, colours and textures, lit from the
/// upper left. Edges are antialiased in the image; labels are decided at pixel centres. The same numbers give the same
/// bytes.
RenderedScene render_scene(std::uint64_t seed, Index height, Index width);

}  // namespace fu
