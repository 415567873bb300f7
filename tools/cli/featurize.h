// From a photo's file to its low-resolution features, as the options say.
#pragma once

#include "tools/cli/commands.h"

namespace fu {

// Pixels that a backbone is given at most, and that a result has unless it is asked for.
constexpr Index kMaxInput = Index{1} << 26, kMaxInputSide = 16384;

/// One photo with its low-resolution features.
struct Scene {
  Image photo;
  Extent in_size;   // of the photo at the backbone
  Tensor features;  // (1,h,w,C)

  /// The photo, at any size, the part that the backbone saw.
  Image view(Index height, Index width, bool cropped) const {
    return cropped ? cover(photo, height, width) : resize_antialiased(photo, height, width);
  }
};

class Featurizer {
 public:
  explicit Featurizer(const Options& options);

  std::string describe() const { return backbone_ ? backbone_->describe() : "features from " + options_.features; }
  /// Sides given as HxW crop the photo; a short side alone keeps all of it. Features from a file see all of it too,
  /// unless --size says else.
  bool cropped() const { return size_.height > 0; }
  /// Null where features come from a file.
  const Backbone* backbone() const { return backbone_.get(); }
  /// Options for upsamplers, which may want to look through the backbone too; they must not outlive this.
  UpsamplerOptions upsampler_options() const;
  Scene run(const std::string& path, Report& report, const Progress& progress) const;

 private:
  const Options& options_;
  InputSize size_;
  std::unique_ptr<Backbone> backbone_;
};

}  // namespace fu
