// Pictures of the chapters, in few bytes.
#pragma once

#include <string>
#include <vector>

#include "featup/photo/preprocess.h"

namespace fu::book {

/// Writes a picture as a figure, in at most 192 colours, which are chosen from its own: a third of the bytes that all
/// colours take. throws FileError.
void write_picture(const std::string& name, const Image& image);
/// The same for pictures of equal height side by side, `each` in a row; 0: all.
void write_pictures(const std::string& name, const std::vector<Image>& images, Index each = 0);

}  // namespace fu::book
