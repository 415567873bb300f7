// featup show --html: what the page shows of a feature map.
#pragma once

#include <string>

#include "tools/media/page.h"

namespace fu {

/// Of a feature map. throws FileError, UsageError.
///   layout: of the map's file and of `low`: auto, hwc or chw
///   image: the photo behind the map; empty: colours of the features take its place
///   low: file of the low-resolution features; empty: the map, pooled 16 by 16
PageData page_of_map(const std::string& path, const std::string& layout, const std::string& image,
                     const std::string& low);

}  // namespace fu
