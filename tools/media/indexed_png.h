// PNGs by zlib: numbers of a palette (label maps, heatmaps), 16-bit grey (number maps), and colours where time counts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Adds a chunk with its length and its sum. name: of four letters. source: Portable Network Graphics (W3C, 2003), 5.3
void append_png_chunk(std::string& png, const std::string& name, const std::string& data);

using Palette = std::vector<std::array<unsigned char, 3>>;
/// Keywords and texts that are stored with a picture, such as the names of its classes.
using PngTexts = std::vector<std::pair<std::string, std::string>>;

/// An 8-bit PNG with a palette, in memory: image viewers show its colours, and read_label_picture() its numbers.
///   indices: height x width numbers below palette.size(), rows from the top
///   palette: 1 to 256 colours
///   texts: a keyword has 1 to 79 printable ASCII characters. Texts are stored as tEXt, or as iTXt (UTF-8) where a
///     character is not ASCII; bytes that are no UTF-8 become U+FFFD, and zeros, which would end the text, spaces.
/// throws UsageError if one of these rules is broken.   cost: about 10 ns a pixel.
/// source: www.w3.org/TR/png-3
std::string encode_indexed_png(Index height, Index width, const unsigned char* indices, const Palette& palette,
                               const PngTexts& texts = {});
/// Writes it; it appears under its name only when complete. throws FileError, UsageError.
void write_indexed_png(const std::string& path, Index height, Index width, const unsigned char* indices,
                       const Palette& palette, const PngTexts& texts = {});

/// A PNG of colours, in memory: height x width x 3 bytes. Five times as fast as encode_png(), and up to a third larger.
/// throws UsageError.
std::string encode_rgb_png(Index height, Index width, const unsigned char* rgb);

/// A 16-bit grey PNG, in memory: height x width numbers, rows from the top. throws UsageError.
std::string encode_gray16_png(Index height, Index width, const std::uint16_t* values, const PngTexts& texts = {});
/// Writes it; it appears under its name only when complete. throws FileError, UsageError.
void write_gray16_png(const std::string& path, Index height, Index width, const std::uint16_t* values,
                      const PngTexts& texts = {});

}  // namespace fu
