#include "core/files/narrow_file.h"

#include <cmath>
#include <vector>

namespace fu {

namespace {

/// The scales of the tensor `name`, checked.
const unsigned char* checked_scales(const std::string& path, const std::string& name, const TensorEntry& numbers,
                                    const TensorEntry& scales) {
  const bool has_rows = numbers.shape.rank() > 0;
  const Shape expected{has_rows ? numbers.shape[0] : 1};
  require<FileError>(has_rows && scales.type == DType::f32 && scales.shape == expected, path, ": tensor '",
                     printable(name), kScaleEnding, "' is ", dtype_name(scales.type), " of shape ", scales.shape,
                     ", expected f32 of ", expected, ": a scale for each row of '", printable(name),
                     "'. The file is damaged.");
  for (Index i = 0; i < expected[0]; ++i) {
    real scale = 0;
    to_reals(DType::f32, scales.data + 4 * i, 1, &scale);
    require<FileError>(std::isfinite(scale) && scale > 0, path, ": tensor '", printable(name), kScaleEnding, "' holds ",
                       scale, " at element ", i, ", expected numbers above 0. The file is damaged.");
  }
  return scales.data;
}

}  // namespace

void take_row_scales(const std::string& path, const std::map<std::string, std::string>& metadata,
                     TensorEntries& entries) {
  const auto version = metadata.find(kConvertedKey);
  if (version == metadata.end()) return;
  require<FileError>(version->second == kConvertedVersion, path, ": holds converted weights of version '",
                     printable(version->second), "', and this program reads version ", kConvertedVersion,
                     ". Convert the original weights with this program.");
  std::vector<std::string> taken;
  for (auto& [name, entry] : entries) {
    if (entry.type != DType::i8) continue;
    const auto scales = entries.find(name + kScaleEnding);
    require<FileError>(scales != entries.end(), path, ": tensor '", printable(name), "' is of 8-bit numbers, and '",
                       printable(name), kScaleEnding,
                       "', which says what they stand for, is missing. The file is damaged.");
    entry.row_scales = checked_scales(path, name, entry, scales->second);
    taken.push_back(scales->first);
  }
  for (const std::string& name : taken) entries.erase(name);
}

void multiply_rows(Tensor& t, const unsigned char* scales) {
  const Index rows = t.dim(0), length = rows > 0 ? t.size() / rows : 0;
  for (Index i = 0; i < rows; ++i) {
    real scale = 0;
    to_reals(DType::f32, scales + 4 * i, 1, &scale);
    for (Index p = 0; p < length; ++p) t.data()[i * length + p] *= scale;
  }
}

}  // namespace fu
