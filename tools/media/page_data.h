// What the pages for the browser share: numbers and pictures as text, and a page with its data written into it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "featup/photo/preprocess.h"

namespace fu {

/// RFC 4648, with padding.
std::string base64(const std::string& bytes);

/// Numbers as bytes, 0 for the smallest and 255 for the largest, and these two; what is not finite counts as the
/// smallest. Without a finite number, all are 0.
struct RangedBytes {
  double low = 0, high = 0;
  std::string bytes;  // n
};
/// n numbers, each `step` after the one before.
RangedBytes ranged_bytes(const real* values, Index n, Index step = 1);

/// A picture as the address of itself.
std::string picture_address(const Image& image);

/// The size of at most that many pixels at which a page shows a map: its own, or smaller in the same shape.
Extent shown_extent(Extent map, double pixels);

/// A page of pages.cmake with its data, and the ramp of heatmaps ("ramp"), written into it. value: a long text in
/// base64 that becomes data[key], a key that stands nowhere else; JSON's writer would look at each of its characters.
std::string filled_page(const char* page, nlohmann::json data, const std::string& key = "",
                        const std::string& value = "");

}  // namespace fu
