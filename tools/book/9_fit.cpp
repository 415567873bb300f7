// Chapter 9: a fit as least squares.
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/eigen.h"
#include "core/ops.h"
#include "core/ops/smooth.h"
#include "featup/fit/conjugate_gradients.h"
#include "featup/fit/feature_grid.h"
#include "featup/measure/views.h"
#include "tools/book/9_cousins.h"
#include "tools/book/book.h"
#include "tools/book/picture.h"
#include "tools/book/subject.h"
#include "tools/media/line_chart.h"
#include "tools/media/pictures.h"

using namespace fu;
using book::Subject;

namespace {

using Matrix = Eigen::MatrixXd;

//! [view_matrix]
/// The matrix of one view, (positions, cells). Its column n is the prediction of a grid that is 1 at cell n and 0
/// elsewhere; all of these grids go through at once, as the channels of one grid.
Matrix view_matrix(const GridSystem& system, const Jitter& jitter, Index side, Index positions) {
  const Index gh = system.cells().dim(1), gw = system.cells().dim(2), n = gh * gw;
  const Tensor units = to_tensor(Matrix::Identity(n, n), {1, gh, gw, n});
  const Tensor seen = predict_view(system.map(units), jitter, side, side, positions, positions);
  return as_matrix(seen).cast<double>();
}
//! [view_matrix]

//! [prior]
/// The matrix L of the prior: g^T L g is the sum over neighbouring cells of link * (difference of g)^2.
Matrix prior_matrix(const Tensor& cells, const GridOptions& options) {
  const Index gh = cells.dim(1), gw = cells.dim(2);
  Matrix l = Matrix::Zero(gh * gw, gh * gw);
  const auto join = [&](Index n, Index m) {
    double distance = 0;  // of the colours, squared
    for (Index k = 0; k < 3; ++k)
      distance += std::pow(static_cast<double>(cells.data()[3 * n + k] - cells.data()[3 * m + k]), 2);
    const double like = std::exp(-distance / (2 * options.edge * options.edge));
    const double link = options.least_link + (1 - options.least_link) * like;
    l(n, n) += link, l(m, m) += link, l(n, m) -= link, l(m, n) -= link;
  };
  for (Index n = 0; n < gh * gw; ++n) {
    if (n % gw + 1 < gw) join(n, n + 1);
    if (n + gw < gh * gw) join(n, n + gw);
  }
  return l;
}
//! [prior]

/// A problem that is small enough for dense matrices: 64 x 64 pixels, 256 cells, 4 x 4 positions in a view.
struct SmallProblem {
  static constexpr Index kSide = 64, kPositions = 4, kChannels = 5;
  Subject subject{kSide};
  GridOptions options;
  GridSystem system{denormalize(subject.image), kChannels, options};
  Matrix a, right;  // (cells, cells), (cells, channels)

  SmallProblem() {
    const Index n = system.cells().dim(1) * system.cells().dim(2);
    a = Matrix::Zero(n, n), right = Matrix::Zero(n, kChannels);
    std::vector<JitteredView> views = subject.views(30, 3);
    std::vector<Tensor> all;
    for (const JitteredView& view : views) all.push_back(view.features);
    const Pca pca = fit_pca(concat(all, 0), kChannels);
    for (const JitteredView& view : views) {
      const Tensor y = pca.project(view.features);
      const Matrix m = view_matrix(system, view.jitter, kSide, kPositions);
      a += m.transpose() * m;
      right += m.transpose() * as_matrix(y).cast<double>();
      system.add(view.jitter, y);
    }
    a += options.smoothness * static_cast<double>(views.size()) * prior_matrix(system.cells(), options);
  }
};

void equations_section() {
  const SmallProblem p;
  const Tensor solution = to_tensor(p.a.llt().solve(p.right));
  book::say_equal("256 cells: dense matrices, and the library's solve",
                  p.system.solve({}, 200).reshape(solution.shape()), solution, 1e-3);
}

//! [conjugate]
/// Conjugate gradients from 0 for A x = right, one right side. watch(x) sees every step.
template <class F>
Eigen::VectorXd conjugate_gradients_of(const Matrix& a, const Eigen::VectorXd& right, const Eigen::VectorXd& inverse,
                                       int steps, const F& watch) {
  Eigen::VectorXd x = Eigen::VectorXd::Zero(right.size()), r = right, d = inverse.cwiseProduct(r);
  double energy = r.dot(d);
  for (int step = 0; step < steps; ++step) {
    const Eigen::VectorXd image = a * d;
    const double length = energy / d.dot(image);
    x += length * d;
    r -= length * image;
    const Eigen::VectorXd z = inverse.cwiseProduct(r);  // inverse: 1 / A[n,n], or ones
    const double next = r.dot(z);
    d = z + next / energy * d;
    energy = next;
    watch(x);
  }
  return x;
}
//! [conjugate]

void convergence_section() {
  const SmallProblem p;
  const Eigen::VectorXd right = p.right.col(0), exact = p.a.llt().solve(right);
  const Eigen::VectorXd inverse = p.a.diagonal().cwiseInverse(), ones = Eigen::VectorXd::Ones(right.size());
  const Eigen::VectorXd eigenvalues = Eigen::SelfAdjointEigenSolver<Matrix>(p.a).eigenvalues();
  const double low = eigenvalues.minCoeff(), high = eigenvalues.maxCoeff();
  constexpr int kSteps = 30;
  const auto error_of = [&](const Eigen::VectorXd& x) {
    const Eigen::VectorXd e = x - exact;
    return std::sqrt(e.dot(p.a * e) / exact.dot(p.a * exact));
  };
  Line plain{"conjugate gradients", {0}, {1}}, scaled{"the same, scaled by the diagonal", {0}, {1}},
      descent{"gradient descent, at the best rate", {0}, {1}};
  const auto add = [&](Line& line, const Eigen::VectorXd& x) {
    line.x.push_back(static_cast<double>(line.x.size())), line.y.push_back(error_of(x));
  };
  conjugate_gradients_of(p.a, right, ones, kSteps, [&](const Eigen::VectorXd& x) { add(plain, x); });
  const Eigen::VectorXd ten = conjugate_gradients_of(p.a, right, inverse, 10, [&](const Eigen::VectorXd&) {});
  conjugate_gradients_of(p.a, right, inverse, kSteps, [&](const Eigen::VectorXd& x) { add(scaled, x); });
  Eigen::VectorXd x = Eigen::VectorXd::Zero(right.size());
  for (int step = 0; step < kSteps; ++step) add(descent, x += 2 / (low + high) * (right - p.a * x));

  const Tensor library =
      conjugate_gradients([&](const Tensor& t) { return to_tensor(p.a * as_matrix(t).cast<double>(), t.shape()); },
                          to_tensor(right, {1, 16, 16, 1}), Tensor::zeros({1, 16, 16, 1}),
                          [&] {
                            std::vector<real> numbers;
                            for (Eigen::Index i = 0; i < inverse.size(); ++i)
                              numbers.push_back(static_cast<real>(inverse[i]));
                            return numbers;
                          }(),
                          10);
  book::say_equal("ten steps: this page's, and the library's", library, to_tensor(ten), 1e-3);
  std::printf("error after 2, 5, 10 steps, of the error at the start\n");
  for (const Line& line : {descent, plain, scaled})
    std::printf("  %-36s %7.4f  %7.4f  %7.4f\n", line.name.c_str(), line.y[2], line.y[5], line.y[10]);
  write_line_chart(book::figure("9-convergence.svg"),
                   {"A fit of 256 cells",
                    "steps",
                    "error, of that at the start",
                    "each step is one product with the matrix of the normal equations",
                    {descent, plain, scaled},
                    false,
                    true});
}

void smoothing_section() {
  constexpr Index kWidth = 40;
  constexpr double kStrength = 20;
  Random random(8);
  const Tensor links = random.uniform({1, kWidth}, 0, 1), x = random.normal({1, 1, kWidth, 3});
  Matrix l = Matrix::Zero(kWidth, kWidth);
  for (Index i = 0; i + 1 < kWidth; ++i) {
    const auto link = static_cast<double>(links.data()[i]);
    l(i, i) += link, l(i + 1, i + 1) += link, l(i, i + 1) -= link, l(i + 1, i) -= link;
  }
  Matrix y = as_matrix(x).cast<double>();
  for (const double share : {0.4, 0.1}) y = (Matrix::Identity(kWidth, kWidth) + share * kStrength * l).llt().solve(y);
  Tensor smoothed = x.clone();
  LinkSmoother(links, links, kStrength).apply(smoothed);
  book::say_equal("a row smoothed: dense equations, and LinkSmoother", smoothed, to_tensor(y), 1e-4);
}

void prior_section() {
  const Subject subject;
  const HeldOutViews unseen(subject.image, subject.features, 16, 2);
  const std::vector<JitteredView> views = subject.views(60, 1);
  const Tensor colors = denormalize(subject.image);
  const FeatureColors paint(subject.low);
  std::vector<Image> pictures;
  const auto show = [&](const Tensor& map) { pictures.push_back(resize_antialiased(paint.paint(map), 160, 160)); };

  const Tensor stack = subject.upsampled("builtin");
  std::printf("explained share of unseen views, %%   bilinear %.1f, the built-in stack %.1f\n",
              100 * unseen.explained_by(resize_bilinear(subject.low, 224, 224)).value(),
              100 * unseen.explained_by(stack).value());
  std::printf("smoothness   10 views   10, about the stack   60 views\n");
  for (const double smoothness : {0.0, 0.003, 0.03, 0.3, 3.0}) {
    GridOptions options;
    options.smoothness = smoothness;
    GridSystem system(colors, subject.low.dim(3), options);
    double explained[3] = {};
    for (std::size_t v = 0; v < views.size(); ++v) {
      system.add(views[v].jitter, views[v].features);
      if (v == 9) {
        const Tensor mean = adaptive_avg_pool(stack, system.cells().dim(1), system.cells().dim(2));
        const Tensor alone = system.map(system.solve({}, 16)), about = system.map(system.solve_about(mean, 16));
        explained[0] = unseen.explained_by(alone).value(), explained[1] = unseen.explained_by(about).value();
        if (smoothness == 0.003 || smoothness == 0.03 || smoothness == 3) show(alone);
        if (smoothness == 0.3) show(about);
      }
    }
    explained[2] = unseen.explained_by(system.map(system.solve({}, 16))).value();
    std::printf("%10.3f   %8.1f   %20.1f   %8.1f\n", smoothness, 100 * explained[0], 100 * explained[1],
                100 * explained[2]);
  }
  std::swap(pictures[2], pictures[3]);  // the one about the stack comes last
  book::write_pictures("9-prior.png", pictures);
}

}  // namespace

int main(int argc, char** argv) {
  return book::run_sections(argc, argv,
                            {{"equations", equations_section},
                             {"convergence", convergence_section},
                             {"smoothing", smoothing_section},
                             {"prior", prior_section},
                             {"cousins", book::cousins_section}});
}
