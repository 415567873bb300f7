// Feature maps in files.
#pragma once

#include <string>

#include "core/files/weights.h"
#include "featup/photo/preprocess.h"

namespace fu {

enum class Layout { automatic, hwc, chw, tokens };

/// The array of a file that features are read from: "features", "x_norm_patchtokens" (DINOv2), "last_hidden_state"
/// (Hugging Face), else the only one of its rank that could be a map; empty if it is not clear which.
std::string feature_array(const Weights& file);

/// Reads a feature map as (1,h,w,C) from any file that Weights opens. Its array is (h,w,C), (C,h,w), or tokens (N,C)
/// row by row, each also with a leading 1. In front of the tokens of a grid there may be 1 (class), 2 (class,
/// distillation), 4, 8 (registers), 5 or 9 (class and registers) others, which are left out.
///
/// Which reading is right is told by the sides h and w: they must have the shape of the photo, as far as rounding to
/// whole patches allows. image: the photo's size, or of the part that the features were made of; {} if there is no
/// photo, then the map that is nearest to a square is taken, and tokens must be one. layout: leaves only one kind of
/// reading. how: if not null, says in words which was taken. throws FileError if none fits, if more than one does, and
/// for numbers that are not finite.
Tensor read_features(const std::string& path, Layout layout, Extent image, std::string* how = nullptr);

/// How results are written.
struct OutputFormat {
  bool safetensors = false;
  DType type = DType::f32;
  Layout layout = Layout::hwc;
};

/// throws FileError, in the name of a result, if one of the numbers is infinite or none.
void require_finite(const std::string& path, const real* values, Index count);
/// Writes features (1,H,W,C) as (H,W,C) or (C,H,W); .safetensors under the name "features", with metadata.
/// throws FileError for numbers that are not finite.
void write_features(const std::string& path, const Tensor& features, const OutputFormat& format,
                    const std::map<std::string, std::string>& metadata);
/// The bytes of the .npy that write_features would write. what: stands in errors in place of the path.
/// throws FileError for numbers that are not finite.
std::string npy_of_features(const std::string& what, const Tensor& features, DType type, Layout layout);

}  // namespace fu
