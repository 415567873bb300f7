// Orientation: cameras store photos as the sensor saw them, and a number that says how to turn them.
#pragma once

#include <cstddef>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

/// EXIF orientation (1 to 8) of a JPEG or PNG file of n bytes; 1, upright, if it has none.
int exif_orientation(const unsigned char* file, std::size_t n);

/// Turns a picture upright. Orientations 5 to 8 swap its sides. opacity: if not null and not empty, one byte a pixel,
/// turned along.
void turn_upright(Image& image, std::vector<unsigned char>* opacity, int orientation);

}  // namespace fu
