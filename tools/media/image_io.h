// Pictures in files.
#pragma once

#include <string>

#include "core/files/mapped_file.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Reads PNG, JPEG, BMP, TGA, PBM, PGM or PPM as 8-bit RGB, upright as its EXIF orientation says. Grey becomes three
/// equal channels, transparent pixels are laid over white, 16 bits are rounded to 8, palettes are resolved. Throws
/// FileError for anything else, for damaged files, and for more than 256 million pixels. opacity: if not null, one byte
/// a pixel of the upright picture, 255 where it has no transparency.
Image read_image(const std::string& path, std::vector<unsigned char>* opacity = nullptr);
/// The same of a file that is open already, such as bytes in memory.
Image read_image(const MappedFile& file, std::vector<unsigned char>* opacity = nullptr);

/// Whether the file is a PNG of encode_png(), which all say so. throws FileError if it cannot be read.
bool is_own_png(const std::string& path);
/// An 8-bit RGB PNG, in memory. name: stands in error messages. Throws UsageError for pictures of more than 256 million
/// bytes.
std::string encode_png(const Image& image, const std::string& name);
/// Writes an 8-bit RGB PNG; it appears under its name only when complete. Throws FileError.
void write_png(const std::string& path, const Image& image);

}  // namespace fu
