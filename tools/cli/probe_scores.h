// How well a probe does on labelled pixels, in words, as JSON and as a picture.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "featup/measure/number_score.h"
#include "featup/measure/segmentation.h"
#include "featup/probes/pixel_samples.h"

namespace fu {

/// Agreement of a probe's outputs with targets.
class ProbeScores {
 public:
  ProbeScores(Probe::Kind kind, Index outputs);
  /// outputs (n,K) or (1,H,W,K) of pixels, and their targets (n,T) as PixelSamples gives them.
  void add(const Tensor& outputs, const Tensor& targets);
  /// outputs (1,height,width,K) and the targets of all its pixels; those without any are left out.
  void add(const Tensor& outputs, const PixelTargets& targets);

  /// What training maximises: the mean IoU of classes; of numbers, 1 - mean squared error / variance, averaged over
  /// outputs. NaN without pixels.
  double value() const;
  Index pixels() const { return pixels_; }
  nlohmann::ordered_json json(const std::vector<std::string>& names) const;
  /// Lines, each with its end.
  std::string text(const std::vector<std::string>& names, const std::string& unit) const;
  const Confusion& confusion() const { return confusion_; }

 private:
  void add_pixel(const real* outputs, const real* target);

  Probe::Kind kind_;
  Index outputs_, pixels_ = 0;
  Confusion confusion_;
  std::vector<NumberScore> numbers_;
};

}  // namespace fu
