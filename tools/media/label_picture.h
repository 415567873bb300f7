// Pictures whose pixels are classes, not colours.
#pragma once

#include <string>

#include "core/files/mapped_file.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Whether a file is a PNG with a palette: each pixel is the number of a colour.
bool has_palette(const MappedFile& file);

/// The numbers of the colours of a PNG with a palette, in all three channels; not turned. throws FileError if it is
/// damaged.
Image read_palette_indices(const MappedFile& file);

/// throws FileError if a pixel has a number that its palette does not have: its colour would be anything.
void check_palette(const MappedFile& file);

/// Reads a class a pixel, in all three channels, upright: the grey level, or of a PNG with a palette the number of the
/// colour, as VOC and others store classes. throws FileError for colours and transparency, which are no classes, for
/// 16 bits, and for what read_image refuses.
Image read_label_picture(const std::string& path);

}  // namespace fu
