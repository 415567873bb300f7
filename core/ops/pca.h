// Principal components of feature vectors.
#pragma once

#include "core/tensor.h"

namespace fu {

struct Pca {
  Tensor mean;        // (C)
  Tensor components;  // (K,C), orthonormal rows, strongest first; the sign makes each row's largest entry positive
  Tensor variance;    // (K) variance along each component (over n)
  double total = 0;   // of all components

  /// (x - mean) components^T: x (..,C) -> (..,K)
  Tensor project(const Tensor& x) const;
  /// y components + mean: y (..,K) -> (..,C)
  Tensor unproject(const Tensor& y) const;
};

/// Fits the first k components to x (..,C), n vectors. cost: m n C + m^3, m = min(n, C), which may be at most 4096.
/// Components beyond the rank of x are zero where n < C. throws ShapeError unless 1 <= k <= C and x has at least one
/// vector.
Pca fit_pca(const Tensor& x, Index k);

}  // namespace fu
