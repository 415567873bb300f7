// Curves with axes, as pictures.
#pragma once

#include <string>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

/// What stands around a curve.
struct CurveLabels {
  std::string title;      // above: what the values are, with their unit
  std::string x_name;     // below: what they are values of
  std::vector<double> x;  // of each value, rising; empty: 1, 2, ..
};

/// Values as a curve from left to right over a grid at round numbers, with these numbers beside it; few values are also
/// dots. Values that are not finite are left out. The font grows with the height: 120 x 160 pixels are the least that
/// can be read.
/// throws ShapeError if x has another length than the values.
Image curve_picture(const std::vector<double>& values, Index height, Index width, const CurveLabels& labels = {});

}  // namespace fu
