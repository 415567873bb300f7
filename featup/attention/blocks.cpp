#include "featup/attention/blocks.h"

#include <cmath>

namespace fu {

namespace {

/// PyTorch's value of an RMS norm's eps that is not given: the smallest step of a float at 1.
constexpr real kRmsEps = real(1.1920929e-7);

}  // namespace

PlaceRotation::PlaceRotation(Index channels, Random* random)
    : freqs(random ? random->normal({2, channels}) : Tensor({2, channels})) {
  add("freqs", freqs);
}

Tensor PlaceRotation::places(Index height, Index width) {
  Tensor places({height * width, 2});
  const auto along = [](Index i, Index n) { return n > 1 ? static_cast<real>(i) / static_cast<real>(n - 1) : real(0); };
  for (Index p = 0; p < height * width; ++p) {
    places.data()[2 * p] = along(p / width, height);
    places.data()[2 * p + 1] = along(p % width, width);
  }
  return places;
}

CrossProjection::CrossProjection(Index width, ProjectionNames names, Random* random)
    : norm_q(width, kRmsEps),
      norm_k(width, kRmsEps),
      conv(width, width, 3, random, 1, 1, 1, false),
      in_bias(Tensor::zeros({3 * width})),
      width_(width),
      names_(names) {
  const auto weights = [&](Index rows) { return uniform_fan_in({rows, width}, width, random); };
  add("cross_attn.norm_q", norm_q);
  add("cross_attn.norm_k", norm_k);
  if (names == ProjectionNames::thirds) {
    in_weight.set(weights(3 * width));
    add("cross_attn.attention.in_proj_weight", in_weight);
  } else {
    q_weight.set(weights(width)), k_weight.set(weights(width));
    add("cross_attn.attention.q_proj_weight", q_weight);
    add("cross_attn.attention.k_proj_weight", k_weight);
  }
  add("cross_attn.attention.in_proj_bias", in_bias);
  add("conv2d", conv);
}

}  // namespace fu
