// What probes learn from: features and targets of pixels that are drawn from labelled photos.
#pragma once

#include <vector>

#include "core/random.h"
#include "featup/probes/probe_options.h"

namespace fu {

/// What is known of the pixels of a photo's part of height x width pixels: a class each, or numbers.
struct PixelTargets {
  Index height = 0, width = 0;
  std::vector<unsigned char> labels;  // (height,width); empty where there are numbers
  Tensor numbers;                     // (height,width,K); a pixel with a number that is not finite has none

  /// Whether pixel p has a class below `outputs`, or K = outputs finite numbers.
  bool known(Index p, Index outputs) const;
  /// Its label, or its K numbers.
  void copy(Index p, real* out) const;
};

/// Low-resolution features (1,h,w,C) of a photo and the targets of its pixels, which cover the same part of the scene.
struct LabelledFeatures : PixelTargets {
  Tensor features;
};

/// Sums over vectors from which means and standard deviations come.
struct Moments {
  std::vector<double> sum, squares;  // of each channel
  double count = 0;

  /// Adds the rows of x (..,C).
  void add(const Tensor& x);
  void add(const Moments& other);
};

/// Mean of each channel, and 1 / its standard deviation: (C) each.
struct Standardization {
  Tensor mean, scale;

  explicit Standardization(const Moments& moments);
  /// Rows of x (n,C) -> (x - mean) scale, in place.
  void apply(Tensor& x) const;
};

/// The drawn pixels of one photo.
struct PhotoSamples {
  Tensor features, targets;       // (n,C), (n,T): a label, or K numbers
  Moments cells, target_moments;  // of all cells of the photo's features; of the drawn targets
};

/// Positions (row * width + column) of o.pixels pixels that are known, drawn with repetition; none if none is known.
/// Takes 2 o.pixels positions of the stream, or none.
std::vector<Index> draw_pixels(const PixelTargets& targets, const ProbeOptions& o, Random& draws);
/// Features of these pixels, bilinear between the centres of the cells of `features` (1,h,w,C), and their targets.
/// throws ShapeError if features and targets do not fit.
PhotoSamples take_samples(const Tensor& features, const PixelTargets& targets, const std::vector<Index>& pixels);
/// The same from a map with a vector for every pixel: fine (1,height,width,C). cells: what the map was made from.
PhotoSamples take_fine_samples(const Tensor& fine, const Tensor& cells, const PixelTargets& targets,
                               const std::vector<Index>& pixels);

/// Drawn pixels of many photos, numbered through.
class PixelSamples {
 public:
  virtual ~PixelSamples() = default;
  virtual Index channels() const = 0;
  /// Numbers of a target: 1 for labels.
  virtual Index targets() const = 0;
  /// Features (n,C) and targets (n,T) of some samples, in their order.
  virtual void read(const std::uint32_t* samples, Index n, Tensor& features, Tensor& targets) const = 0;
};

/// What a training takes: which samples, and what they are standardised by.
struct ChosenSamples {
  std::vector<std::uint32_t> samples;
  Moments cells, target_moments;
};

/// Samples whose photos' features stay in memory.
class SamplesInMemory : public PixelSamples {
 public:
  /// Draws from all photos. The photos must outlive this. throws ShapeError, or UsageError if no pixel is known.
  SamplesInMemory(const std::vector<LabelledFeatures>& photos, const ProbeOptions& o, Random& draws);
  Index channels() const override { return channels_; }
  Index targets() const override { return targets_; }
  void read(const std::uint32_t* samples, Index n, Tensor& features, Tensor& targets) const override;
  ChosenSamples all() const;

 private:
  struct Place {
    std::uint32_t photo;
    std::uint32_t pixel;
  };
  const std::vector<LabelledFeatures>& photos_;
  std::vector<Place> places_;
  Moments cells_, target_moments_;
  Index channels_ = 0, targets_ = 1;
};

/// The error for photos without a single known pixel.
[[noreturn]] void throw_nothing_known(const ProbeOptions& o);

}  // namespace fu
