#include "core/ops/pca.h"

#include <Eigen/Eigenvalues>

#include "core/ops.h"

namespace fu {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Tensor Pca::project(const Tensor& x) const {
  // The mean is subtracted after the product: x may be large, and is not to be copied.
  const Tensor bias = unary(Unary::affine, linear(mean, components, Tensor()), -1);
  return linear(x, components, bias);
}

Tensor Pca::unproject(const Tensor& y) const { return linear(y, components.permute({1, 0}), Tensor()) + mean; }

namespace {

using Data = Eigen::Map<const Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

/// Copies mean and component `j` into place, its sign settled.
void set_component(Pca& pca, Index j, const Eigen::VectorXd& v, double variance) {
  Eigen::Index largest = 0;
  v.cwiseAbs().maxCoeff(&largest);
  const double sign = v(largest) < 0 ? -1 : 1;
  for (Index i = 0; i < v.size(); ++i) pca.components.data()[j * v.size() + i] = static_cast<real>(sign * v(i));
  pca.variance.data()[j] = static_cast<real>(std::max(0.0, variance));
}

}  // namespace

Pca fit_pca(const Tensor& x, Index k) {
  const Index c = x.rank() >= 1 ? x.dim(-1) : 0, n = c > 0 ? x.size() / c : 0;
  require<ShapeError>(k >= 1 && k <= c && n >= 1, "[pca] ", k, " components of x ", x.shape(),
                      ": at most as many as channels (", c, "), and at least one vector.");
  constexpr Index kMaxSide = 4096;
  require<ShapeError>(std::min(c, n) <= kMaxSide, "[pca] x ", x.shape(), ": components of more than ", kMaxSide,
                      " channels take too long. Project them first.");
  const Data data(x.data(), n, c);
  const Eigen::RowVectorXd mean = data.cast<double>().colwise().mean();
  Pca pca;
  pca.mean = Tensor({c});
  for (Index i = 0; i < c; ++i) pca.mean.data()[i] = static_cast<real>(mean(i));
  pca.components = Tensor::zeros({k, c});
  pca.variance = Tensor::zeros({k});
  const auto check = [&](const Matrix& m) {
    require<ShapeError>(m.allFinite(), "[pca] x ", x.shape(),
                        " holds numbers that are infinite or not numbers. Remove them first.");
  };
  const double count = static_cast<double>(n);
  if (n < c) {
    // Fewer vectors than channels: the eigenvectors of their products (n,n) give those of the covariance (c,c), at less
    // cost.
    const Matrix centered = data.cast<double>().rowwise() - mean;
    const Matrix products = centered * centered.transpose() / count;
    check(products);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(products);
    pca.total = products.trace();
    for (Index j = 0; j < std::min(k, n); ++j) {
      const double variance = solver.eigenvalues()(n - 1 - j);
      if (variance <= pca.total * 1e-14) break;  // the rest stays zero: there is nothing in those directions
      const Eigen::VectorXd v = centered.transpose() * solver.eigenvectors().col(n - 1 - j);
      set_component(pca, j, v.normalized(), variance);
    }
    return pca;
  }
  // The covariance in blocks of rows, so that the copy in double stays small.
  Matrix covariance = Matrix::Zero(c, c);
  constexpr Index kBlock = 1024;
  for (Index i = 0; i < n; i += kBlock) {
    const Matrix block = data.middleRows(i, std::min(kBlock, n - i)).cast<double>().rowwise() - mean;
    covariance.noalias() += block.transpose() * block;
  }
  covariance /= count;
  check(covariance);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);  // eigenvalues come smallest first
  pca.total = covariance.trace();
  for (Index j = 0; j < k; ++j)
    set_component(pca, j, solver.eigenvectors().col(c - 1 - j), solver.eigenvalues()(c - 1 - j));
  return pca;
}

}  // namespace fu
