// Copies of reals as Eigen arrays and matrices of double, for definitions that read better as linear algebra.
#pragma once

#include <Eigen/Core>

#include "core/eigen.h"

namespace fu {

using DoubleRow = Eigen::Array<double, 1, Eigen::Dynamic>;
using DoubleMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// n reals, `step` apart.
inline DoubleRow doubles(const real* x, Index n, Index step = 1) {
  return ConstPlaneMap(x, 1, n, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(n, step)).cast<double>().array();
}
/// Writes n values, `step` apart.
inline void write_row(const DoubleRow& values, real* y, Index step = 1) {
  PlaneMap(y, 1, values.size(), Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(values.size(), step)) =
      values.matrix().cast<real>();
}

/// A matrix whose element (i,j) lies at x[i * row_step + j * col_step].
inline DoubleMatrix doubles(const real* x, Index rows, Index cols, Index row_step, Index col_step) {
  return ConstPlaneMap(x, rows, cols, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(row_step, col_step)).cast<double>();
}
/// Writes a matrix, rows row_step apart.
inline void write_matrix(const DoubleMatrix& values, real* y, Index row_step) {
  PlaneMap(y, values.rows(), values.cols(), Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(row_step, 1)) =
      values.cast<real>();
}

/// exp(x - max) / sum of it.
inline DoubleRow softmax_of(const DoubleRow& x) {
  const DoubleRow e = (x - x.maxCoeff()).exp();
  return e / e.sum();
}

}  // namespace fu
