// What turns an image into a coarse grid of feature vectors.
#pragma once

#include <memory>
#include <string>

#include "featup/backbones/vit.h"

namespace fu {

class Backbone {
 public:
  virtual ~Backbone() = default;
  /// For people: "DeiT or DINO transformer, 12 blocks of width 192, patch 16".
  virtual std::string describe() const = 0;
  /// Side of a cell of the grid, in pixels of the input.
  virtual Index patch() const = 0;
  virtual Index channels() const = 0;
  /// image (B,H,W,3), normalised, sides multiples of the patch -> (B,H/patch,W/patch,channels)
  virtual Tensor features(const Tensor& image, const Progress& progress = {}) const = 0;
};

/// "builtin": the small transformer that the library carries. "hog": dense histograms of oriented gradients with
/// colour, which need no weights. Otherwise a file of DINO, DINOv2 or DeiT weights, or a FeatUp checkpoint that holds
/// its backbone. Throws FileError if the file holds none.
std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, VitFeature feature = VitFeature::token);

}  // namespace fu
