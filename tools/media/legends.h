// What stands beside and above pictures: titles, the numbers of a heatmap's colours, the names of classes.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu {

/// The picture below a line of text. A text that is wider is cut.
///   scale: of the font, see draw_text()
Image add_title(const Image& image, const std::string& title, Index scale = 1);

/// A picture in the colours of heat_color(), with a bar of these colours at its right: its largest number above, its
/// smallest below.
Image add_heat_bar(const Image& image, double low, double high, Index scale = 1);

/// A picture of classes, with a box of each class's colour and its name: at its right, or below a picture that is wider
/// than high. Names are cut to 24 characters; characters other than ASCII become '?'. The font grows with the picture.
/// throws ShapeError if there are not as many names as colours.
Image add_legend(const Image& image, const std::vector<std::string>& names,
                 const std::vector<std::array<unsigned char, 3>>& colors);

}  // namespace fu
