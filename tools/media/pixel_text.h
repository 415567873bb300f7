// Text and boxes in pictures: labels of axes and legends, in a font of 5x7 pixels that is drawn in pixel_text.cpp.
#pragma once

#include <array>
#include <string>

#include "featup/photo/preprocess.h"

namespace fu {

using Rgb = std::array<unsigned char, 3>;
constexpr Rgb kInk = {27, 31, 36}, kSoftInk = {91, 102, 114}, kPaper = {255, 255, 255};

/// Pixels from the top of a line of text to its lowest one, and from one character to the next, at scale 1.
constexpr Index kTextHeight = 9, kTextStep = 6;

/// Pixels that a line takes: kTextStep a character, less the gap behind the last.
Index text_width(const std::string& text, Index scale = 1);

/// Draws a line of text with its top left corner at (row, column). Characters other than printable ASCII become '?';
/// what lies outside of the picture is left out.
///   scale: pixels for each pixel of the font
void draw_text(Image& image, Index row, Index column, const std::string& text, Rgb color, Index scale = 1);

/// The text, or its beginning and ".." in that many characters.
std::string shortened(const std::string& text, std::size_t characters);

/// Fills a box; what lies outside of the picture is left out.
void fill_box(Image& image, Index top, Index left, Index height, Index width, Rgb color);

/// A picture of one colour.
Image blank(Index height, Index width, Rgb color = kPaper);

/// How large the font should be for a picture of that height, so that it can be read when the picture is scaled down to
/// some 300 pixels: 1, 2, ..
Index text_scale(Index height);

}  // namespace fu
