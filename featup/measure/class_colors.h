// Colours of classes that also colour-blind eyes tell apart.
#pragma once

#include <array>

#include "core/base.h"

namespace fu {

/// Colours before they repeat.
constexpr Index kClassColors = 256;

/// Red, green and blue (0-255) of class i, counted from 0; the same in every picture. The first seven are Okabe's and
/// Ito's, which all kinds of colour vision tell apart; further ones differ in lightness as much as the ones before
/// leave room for. None is black, which stands for "no class". From kClassColors on they repeat. source:
/// jfly.uni-koeln.de/color; tools/class_colors.py
std::array<unsigned char, 3> class_color(Index i);

}  // namespace fu
