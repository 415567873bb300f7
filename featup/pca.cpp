#include "featup/pca.h"

#include <Eigen/Eigenvalues>

#include "core/ops.h"

namespace fu {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Tensor Pca::project(const Tensor& x) const { return linear(x - mean, components, Tensor()); }

Tensor Pca::unproject(const Tensor& y) const { return linear(y, components.permute({1, 0}), Tensor()) + mean; }

Pca fit_pca(const Tensor& x, Index k) {
  const Index c = x.rank() >= 1 ? x.dim(-1) : 0, n = c > 0 ? x.size() / c : 0;
  require<ShapeError>(k >= 1 && k <= c && n >= 1, "[pca] ", k, " components of x ", x.shape(), ": at most as many as channels (", c, "), and at least one vector.");
  using Map = Eigen::Map<const Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
  const Map data(x.data(), n, c);
  const Eigen::VectorXd mean = data.cast<double>().colwise().mean();
  // The covariance in blocks of rows, so that the copy in double stays small.
  Matrix covariance = Matrix::Zero(c, c);
  constexpr Index kBlock = 1024;
  for (Index i = 0; i < n; i += kBlock) {
    const Matrix block = data.middleRows(i, std::min(kBlock, n - i)).cast<double>().rowwise() - mean.transpose();
    covariance.noalias() += block.transpose() * block;
  }
  covariance /= static_cast<double>(n);
  require<ShapeError>(covariance.allFinite(), "[pca] x ", x.shape(), " holds numbers that are infinite or not numbers. Remove them first.");
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);

  Pca pca;
  pca.mean = Tensor({c});
  for (Index i = 0; i < c; ++i) pca.mean.data()[i] = static_cast<real>(mean(i));
  pca.components = Tensor({k, c});
  pca.variance = Tensor({k});
  pca.total = covariance.trace();
  for (Index j = 0; j < k; ++j) {
    const Eigen::VectorXd v = solver.eigenvectors().col(c - 1 - j);  // eigenvalues come smallest first
    Eigen::Index largest = 0;
    v.cwiseAbs().maxCoeff(&largest);
    const double sign = v(largest) < 0 ? -1 : 1;
    for (Index i = 0; i < c; ++i) pca.components.data()[j * c + i] = static_cast<real>(sign * v(i));
    pca.variance.data()[j] = static_cast<real>(std::max(0.0, solver.eigenvalues()(c - 1 - j)));
  }
  return pca;
}

}  // namespace fu
