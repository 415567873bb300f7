// The colours of numbers in heatmaps: one ramp for pictures and pages.
#pragma once

#include <array>
#include <vector>

namespace fu {

/// From dark violet over green to yellow. Lightness rises evenly, so that the ramp reads in grey, in print and without
/// colour vision.   source: viridis of matplotlib, by S. van der Walt and N. Smith (CC0), at nine places
const std::vector<std::array<unsigned char, 3>>& heat_stops();

/// The colour of a number between 0 and 1, by lines between the stops. Numbers outside take the colours of the ends,
/// NaN that of 0.
std::array<unsigned char, 3> heat_color(double v);

/// The colours of 0/255, 1/255, .. 255/255: a palette for write_indexed_png().
std::vector<std::array<unsigned char, 3>> heat_palette();

}  // namespace fu
