// Principal components of feature vectors.
#pragma once

#include "core/tensor.h"

namespace fu {

/// Principal components of vectors of C channels, as fit_pca() finds them.
struct Pca {
  Tensor mean;        // (C)
  Tensor components;  // (K,C), orthonormal rows, strongest first; the sign makes each row's largest entry positive
  Tensor variance;    // (K) variance along each component (over n)
  double total = 0;   // sum of the variances of all C components

  /// (x - mean) components^T: x (..,C) -> (..,K)
  Tensor project(const Tensor& x) const;
  /// y components + mean: y (..,K) -> (..,C)
  Tensor unproject(const Tensor& y) const;
};

/// Fits the first k components to the n vectors of x (..,C). Components beyond the rank of x are zero where n < C.
/// cost: m*n*C + m^3 operations in double, m = min(n, C). throws ShapeError unless 1 <= k <= C, n >= 1 and m <= 4096,
/// and if x holds a number that is not finite.
/// @code
/// Random random(1);
/// const Tensor features = random.normal({1, 14, 14, 32});
/// const Pca pca = fit_pca(features, 3);
/// const Tensor colors = pca.project(features);  // (1,14,14,3): a picture of the features
/// assert(colors.dim(3) == 3 && pca.variance.data()[0] >= pca.variance.data()[2]);
/// @endcode
Pca fit_pca(const Tensor& x, Index k);

}  // namespace fu
