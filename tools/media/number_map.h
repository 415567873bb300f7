// Pictures whose pixels are numbers: depth, heights, normals.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace fu {

/// Numbers of every pixel.
struct NumberMap {
  Tensor values;            // (H,W,K); NaN where a pixel has no measurement
  std::vector<bool> known;  // (H,W): whether it has one
};

/// Whether a file is an .npy, or a PNG of 16 bits: numbers, not classes. throws FileError if it cannot be opened.
bool is_number_map(const std::string& path);

/// Reads a PNG of 16 bits, grey (K = 1) or colours (K = 3), where a pixel of zeros has no measurement; or an .npy of
/// (H,W) or (H,W,K), where a pixel with a number that is not finite has none. throws FileError for anything else, for
/// damaged files, and for pictures with transparency or that are to be turned.
NumberMap read_number_map(const std::string& path);

}  // namespace fu
