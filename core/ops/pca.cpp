#include "core/ops/pca.h"

#include <Eigen/Eigenvalues>

#include "core/eigen.h"
#include "core/ops.h"

namespace fu {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Solver = Eigen::SelfAdjointEigenSolver<Matrix>;  // its eigenvalues come smallest first

/// Writes component j and its variance. The sign is chosen so that the largest entry is positive.
void set_component(Pca& pca, Index j, const Eigen::VectorXd& v, double variance) {
  Eigen::Index largest = 0;
  v.cwiseAbs().maxCoeff(&largest);
  const double sign = v(largest) < 0 ? -1 : 1;
  as_matrix(pca.components).row(j) = (sign * v).transpose().cast<real>();
  pca.variance.data()[j] = static_cast<real>(std::max(0.0, variance));
}

void require_finite(const Matrix& m, const Tensor& x) {
  require<ShapeError>(m.allFinite(), "[pca] x ", x.shape(),
                      " holds numbers that are infinite or not numbers. Remove them first.");
}

/// For fewer vectors n than channels C: the eigenvectors of the vectors' products (n,n) give those of the covariance
/// (C,C), at less cost.
void fit_by_products(const Tensor& x, const Eigen::RowVectorXd& mean, Index k, Pca& pca) {
  const ConstMatrixMap data = as_matrix(x);
  const Index n = data.rows();
  const Matrix centered = data.cast<double>().rowwise() - mean;
  const Matrix products = centered * centered.transpose() / static_cast<double>(n);
  require_finite(products, x);
  const Solver solver(products);
  pca.total = products.trace();
  for (Index j = 0; j < std::min(k, n); ++j) {
    const double variance = solver.eigenvalues()(n - 1 - j);
    if (variance <= pca.total * 1e-14) break;  // no variance is left in the other directions: they stay zero
    const Eigen::VectorXd v = centered.transpose() * solver.eigenvectors().col(n - 1 - j);
    set_component(pca, j, v.normalized(), variance);
  }
}

void fit_by_covariance(const Tensor& x, const Eigen::RowVectorXd& mean, Index k, Pca& pca) {
  const ConstMatrixMap data = as_matrix(x);
  const Index n = data.rows(), c = data.cols();
  // The covariance is summed over blocks of rows, so that the copy in double stays small.
  Matrix covariance = Matrix::Zero(c, c);
  constexpr Index kBlock = 1024;
  for (Index i = 0; i < n; i += kBlock) {
    const Matrix block = data.middleRows(i, std::min(kBlock, n - i)).cast<double>().rowwise() - mean;
    covariance.noalias() += block.transpose() * block;
  }
  covariance /= static_cast<double>(n);
  require_finite(covariance, x);
  const Solver solver(covariance);
  pca.total = covariance.trace();
  for (Index j = 0; j < k; ++j)
    set_component(pca, j, solver.eigenvectors().col(c - 1 - j), solver.eigenvalues()(c - 1 - j));
}

}  // namespace

Tensor Pca::project(const Tensor& x) const {
  // The mean is subtracted after the product, as a bias: x may be large, and is not copied.
  const Tensor bias = unary(Unary::affine, linear(mean, components, Tensor()), -1);
  return linear(x, components, bias);
}

Tensor Pca::unproject(const Tensor& y) const { return linear(y, components.permute({1, 0}), Tensor()) + mean; }

Pca fit_pca(const Tensor& x, Index k) {
  const Index c = x.rank() >= 1 ? x.dim(-1) : 0, n = c > 0 ? x.size() / c : 0;
  require<ShapeError>(k >= 1 && k <= c && n >= 1, "[pca] ", k, " components of x ", x.shape(),
                      ": at most as many as channels (", c, "), and at least one vector.");
  constexpr Index kMaxSide = 4096;
  require<ShapeError>(std::min(c, n) <= kMaxSide, "[pca] x ", x.shape(), ": components of more than ", kMaxSide,
                      " channels take too long. Project them first.");
  const Eigen::RowVectorXd mean = as_matrix(x).cast<double>().colwise().mean();
  Pca pca;
  pca.mean = to_tensor(mean);
  pca.components = Tensor::zeros({k, c});
  pca.variance = Tensor::zeros({k});
  (n < c ? fit_by_products : fit_by_covariance)(x, mean, k, pca);
  return pca;
}

}  // namespace fu
