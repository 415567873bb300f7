// Pictures for the examples that classify: circles, squares, triangles and crosses, drawn in noise at random places,
// sizes and brightnesses.
#pragma once

#include <featup/featup.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

constexpr fu::Index kSide = 24, kClasses = 4;

struct Batch {
  fu::Tensor images;  // (N, kSide, kSide, 1)
  std::shared_ptr<std::vector<fu::Index>> labels = std::make_shared<std::vector<fu::Index>>();
};

/// Whether a point, in units of the shape's radius from its centre, lies inside.
inline bool inside(fu::Index shape, fu::real y, fu::real x) {
  const fu::real ay = std::abs(y), ax = std::abs(x);
  switch (shape) {
    case 0: return y * y + x * x < 1;                                                // circle
    case 1: return ay < fu::real(0.85) && ax < fu::real(0.85);                       // square
    case 2: return y > -1 && y < fu::real(0.8) && ax < (y + 1) / 2;                  // triangle, tip up
    default: return ay < 1 && ax < 1 && (ay < fu::real(0.3) || ax < fu::real(0.3));  // cross
  }
}

inline Batch draw(fu::Index n, fu::Random& random) {
  using fu::real;
  Batch batch;
  batch.images = unary(fu::Unary::affine, random.normal({n, kSide, kSide, 1}), real(0.25));
  for (fu::Index i = 0; i < n; ++i) {
    const fu::Index shape = random.below(kClasses);
    batch.labels->push_back(shape);
    const real radius = random.uniform(4, 9), brightness = random.uniform(real(0.5), real(1.5));
    const real row = random.uniform(radius, kSide - radius), col = random.uniform(radius, kSide - radius);
    for (fu::Index p = 0; p < kSide * kSide; ++p)
      if (inside(shape, (static_cast<real>(p / kSide) - row) / radius, (static_cast<real>(p % kSide) - col) / radius))
        batch.images.data()[i * kSide * kSide + p] += brightness;
  }
  return batch;
}

/// The share of rows of logits (N,K) whose largest number is that of the label.
inline double accuracy(const fu::Tensor& logits, const std::vector<fu::Index>& labels) {
  fu::Index right = 0;
  for (fu::Index i = 0; i < logits.dim(0); ++i) {
    const fu::real* row = logits.data() + i * logits.dim(1);
    right += std::max_element(row, row + logits.dim(1)) - row == labels[fu::usize(i)];
  }
  return static_cast<double>(right) / static_cast<double>(logits.dim(0));
}
