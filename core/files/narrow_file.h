// Files of converted weights: .safetensors in which layers may have numbers of 16 or 8 bits.
//
// The metadata have kConvertedKey, the version of the form. A tensor NAME of type I8 is whole numbers; NAME.scale
// (rows) of type F32 stands beside it, and row i is its numbers times scale i. Weights checks and takes the scales when
// it opens the file, so whoever reads a tensor gets what it stands for.
#pragma once

#include <map>
#include <string>

#include "core/files/readers.h"

namespace fu {

constexpr const char* kConvertedKey = "featup.converted";
constexpr const char* kConvertedVersion = "1";
constexpr const char* kScaleEnding = ".scale";

/// Whether a file with these metadata was converted.
inline bool is_converted(const std::map<std::string, std::string>& metadata) {
  return metadata.count(kConvertedKey) > 0;
}

/// Gives tensors of whole numbers their scales, which leave the list. Nothing happens to a file that was not converted.
/// throws FileError for another version, and for a scale that is missing, of another type or shape, or not a positive
/// number.
void take_row_scales(const std::string& path, const std::map<std::string, std::string>& metadata,
                     TensorEntries& entries);

/// Multiplies each row of t (rows,..) by its scale.
void multiply_rows(Tensor& t, const unsigned char* scales);

}  // namespace fu
