// Feature maps in files.
#pragma once

#include <string>

#include "core/files/weights.h"
#include "featup/photo/preprocess.h"

namespace fu {

enum class Layout { automatic, hwc, chw };

/// Reads a feature map as (1,h,w,C) from .npy, .safetensors or a PyTorch file with one tensor (or one named
/// "features"), of shape (h,w,C), (C,h,w) or either with a leading 1. `automatic` takes the reading whose h:w comes
/// nearest to the image's; (h,w,C) if both fit alike. Throws FileError for other shapes, and for numbers that are not
/// finite.
Tensor read_features(const std::string& path, Layout layout, Extent image);

/// How results are written.
struct OutputFormat {
  bool safetensors = false;
  DType type = DType::f32;
  Layout layout = Layout::hwc;
};

/// Writes features (1,H,W,C) as (H,W,C) or (C,H,W); .safetensors under the name "features", with metadata.
void write_features(const std::string& path, const Tensor& features, const OutputFormat& format,
                    const std::map<std::string, std::string>& metadata);

}  // namespace fu
