// Which pixels a fitted map is rendered from at another size than its own.
#pragma once

#include "featup/fit/fitted_map.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// The part of the fitted picture when the whole of it has that size. photo: the photo that was fitted, at any
/// resolution, of which what was fitted is cut out as it was then; null: the fit's own copy is enlarged.
PhotoWindow photo_window(const FittedMap& fit, const Image* photo, Extent size, const ImagePart& part);

}  // namespace fu
