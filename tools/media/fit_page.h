// The page of a fit.
#pragma once

#include "featup/fit/fitted_map.h"
#include "tools/media/page.h"

namespace fu {

/// A fit's photo, its features, its uncertainty and the curves of its history, where it has them, and its settings; its
/// name is left to the caller.
PageData page_of_fit(const FittedMap& fit);

}  // namespace fu
