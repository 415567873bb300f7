#include "featup/implicit.h"

namespace fu {

Var min_max_scale(const Var& x) {
  require<ShapeError>(x.rank() == 4 && x.size() > 0, "[min_max_scale] x ", x.shape(), " must be (B,H,W,C), not empty.");
  const Var low = smallest(x);
  return affine((x - low) / clamp_min(largest(x) - low, real(1e-4)), 1, real(-0.5));
}

PlaceAndColorFeatures::PlaceAndColorFeatures(Index n, bool color, Random* random)
    : color_(color), features_(color ? 5 : 2, log_spaced_frequencies(-2, 10, n), true) {
  if (random) features_.biases.set(random->normal(features_.biases.value.shape()));
  add("biases", features_.biases);
}

Var PlaceAndColorFeatures::operator()(const Var& image) const {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3, "[fourier_features] image ", image.shape(), " must be (B,H,W,3).");
  const Index b = image.dim(0), h = image.dim(1), w = image.dim(2);
  const std::vector<real> rows = linspace(-1, 1, h), cols = linspace(-1, 1, w);
  Tensor place({b, h, w, 2});
  for (Index p = 0; p < b * h * w; ++p) {
    place.data()[2 * p] = rows[static_cast<std::size_t>(p / w % h)];
    place.data()[2 * p + 1] = cols[static_cast<std::size_t>(p % w)];
  }
  if (!color_) return features_(place);
  return concat({features_(concat({place, image}, -1)), image}, -1);
}

ImplicitUpsampler::ImplicitUpsampler(Index n, Index channels, bool color, Random* random)
    : features_(n, color, random),
      norm_in_(features_.out()),
      first_(features_.out(), channels, random, true, FileLayout::matrix_as_conv),
      norm_hidden_(channels),
      second_(channels, channels, random, true, FileLayout::matrix_as_conv),
      last_(channels, channels, random, true, FileLayout::matrix_as_conv),
      dropout_in_(real(0.2), true),
      dropout_hidden_(real(0.2), true) {
  // Places of the published sequence; 0 scales the image, 3 and 6 are dropout, 5 and 9 ReLU.
  add("1", features_);
  add("2", norm_in_);
  add("3", dropout_in_);
  add("4", first_);
  add("6", dropout_hidden_);
  add("7", norm_hidden_);
  add("8", second_);
  add("10", last_);
}

Var ImplicitUpsampler::operator()(const Var& image) const {
  Var x = dropout_in_(norm_in_.norm(features_(min_max_scale(image))));
  x = norm_hidden_.norm(dropout_hidden_(first_(x, Activation::relu)));
  return last_(second_(x, Activation::relu));
}

}  // namespace fu
