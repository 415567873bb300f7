// Sizes, numbers of bytes and layouts as the command line writes them. Errors are UsageErrors that name the option.
#pragma once

#include <string>

#include "tools/media/feature_io.h"

namespace fu {

/// A whole number from 1 to `limit`; 0 if the text is anything else.
Index parse_whole(const std::string& text, Index limit);
/// "224x336" (height x width, pixels); {0,0} for an empty text.
Extent parse_extent(const std::string& option, const std::string& text);
/// "224" (the short side), "224x336", or "own".
InputSize parse_input_size(const std::string& text);
/// "224" (a square) or "224x336".
Extent parse_square_or_extent(const std::string& text);
/// "500000000", "500M" or "2G" of bytes; 0 for an empty text.
std::size_t parse_bytes(const std::string& option, const std::string& text);
/// "auto", "hwc" or "chw".
Layout parse_layout(const std::string& text);

}  // namespace fu
