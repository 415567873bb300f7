// What a fit tells about itself, as a picture.
#pragma once

#include "featup/fit/fitted_map.h"

namespace fu {

/// The picture beside a fit. Above: photo, low-resolution features, bilinear, fitted. Below, where the fit has them:
/// uncertainty, the downsampler's kernels and saliency, the loss and the explained variance of unseen views, with the
/// numbers of their colours and axes.
///   photo: what was fitted, at the size of the fit
Image fit_overview(const FittedMap& fit, const Image& photo);

}  // namespace fu
