// Scenes that the project draws itself: textured objects over a background, with their exact outlines. They serve where
// no photo is at hand, and as tests with exact labels.
#pragma once

#include "featup/photo/preprocess.h"

namespace fu {

/// A drawn picture and the object that each of its pixels shows.
struct RenderedScene {
  Image image;
  std::vector<unsigned char> labels;  // (height, width): 0 background, 1 to 5 the objects, later ones in front
};

/// Draws scene number `seed`: sky and ground, and five objects of different shapes, colours and textures, lit from the
/// upper left. Edges are antialiased in the image (9 samples a pixel); labels are decided at pixel centres. The same
/// numbers give the same bytes. throws ShapeError unless both sides are 1 to 16384 pixels.
RenderedScene render_scene(std::uint64_t seed, Index height, Index width);

}  // namespace fu
