// Scenes that the project draws itself: textured objects over a background, with their exact outlines. They serve where
// no photo is at hand, and as tests with exact labels.
#pragma once

#include "featup/photo/preprocess.h"

namespace fu {

/// Metres beyond which scenes have no depth: of the sky, and of the ground at the horizon.
constexpr double kSceneFar = 60;

/// A drawn picture, the object that each of its pixels shows, and how far away that is.
struct RenderedScene {
  Image image;
  std::vector<unsigned char> labels;  // (height, width): 0 background, 1 to 5 the objects, later ones in front
  std::vector<float> depth;           // (height, width), metres along the view, at most kSceneFar
};

/// Draws scene number `seed`: sky and ground, and five objects of different shapes, colours and textures, lit from the
/// upper left. Edges are antialiased in the image (9 samples a pixel); labels and depth are decided at pixel centres.
/// The depth is that of a camera 1.5 m above a level ground, with a focal length of one image height: a row of the
/// ground lies at 1.5 / (row below the horizon). An object stands where its foot touches the ground, or a little before
/// what it hides, and is a slanted plane; the sky is at kSceneFar. The same numbers give the same bytes. throws
/// ShapeError unless both sides are 1 to 16384 pixels.
RenderedScene render_scene(std::uint64_t seed, Index height, Index width);

}  // namespace fu
