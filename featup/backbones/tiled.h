// Features of a large image through a window that slides over it.
#pragma once

#include <memory>

#include "featup/backbones/backbone.h"

namespace fu {

/// A backbone that sees an image in windows of window x window pixels, each half over the one before, where the image
/// is larger than one. Where windows overlap their features are averaged; a window counts less towards its edges, where
/// it sees less around a patch. So a network that learned from small images keeps its own scale on large ones, and
/// memory and time grow with the image, not with its square. Features must be of places: not of the whole image, nor
/// attention. throws UsageError for those, or if the window is no multiple of the patch.
std::shared_ptr<const Backbone> tiled(std::shared_ptr<const Backbone> backbone, Index window);

/// First pixels of windows of `window` pixels along a side of `length`, both multiples of `patch`: about half a window
/// apart, evenly, the last one ending at `length`. One window, of the length itself, if it is not longer.
std::vector<Index> window_starts(Index length, Index window, Index patch);

}  // namespace fu
