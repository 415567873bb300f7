#include "featup/fit/feature_grid.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "featup/fit/conjugate_gradients.h"

namespace fu {

GridSystem::GridSystem(const Tensor& photo, Index channels, const GridOptions& options)
    : options_(options), h_(photo.dim(1)), w_(photo.dim(2)), channels_(channels) {
  require<ShapeError>(photo.rank() == 4 && photo.dim(0) == 1 && photo.dim(3) == 3, "[feature grid] photo ",
                      photo.shape(), " must be (1,H,W,3).");
  require<ShapeError>(channels >= 1 && options.spacing >= 1, "[feature grid] ", channels, " channels, ",
                      options.spacing, " pixels between cells: both must be positive.");
  const auto cells = [&](Index n) { return std::max<Index>(1, (n + options.spacing - 1) / options.spacing); };
  cells_ = adaptive_avg_pool(photo, cells(h_), cells(w_));
  taps_.weigh(photo.data(), {h_, w_, 0, 0, h_, w_}, cells_, options.widths);
}

/// The cells that the prediction of one position of a view is made of, and their weights.
struct GridSystem::Footprint {
  Index top = 0, left = 0, rows = 0, cols = 0;
  std::vector<real> weight;  // (rows, cols)
};

GridSystem::Footprint GridSystem::footprint(const AxisRows& rows, const AxisRows& cols, Index i, Index j) const {
  const Index gw = cells_.dim(2);
  Footprint f;
  Index bottom = 0, right = 0;
  f.top = cells_.dim(1), f.left = gw;
  const auto each_tap = [&](const auto& visit) {
    for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e)
      for (Index g = cols.offset[j]; g < cols.offset[j + 1]; ++g) {
        const Index first = (rows.index[e] * w_ + cols.index[g]) * kBilateralTaps;
        visit(rows.weight[e] * cols.weight[g], taps_.index.data() + first, taps_.weight.data() + first);
      }
  };
  each_tap([&](real, const std::int32_t* cell, const real*) {
    // Taps lie row by row: the first and the last bound them all.
    f.top = std::min<Index>(f.top, cell[0] / gw), f.left = std::min<Index>(f.left, cell[0] % gw);
    bottom = std::max<Index>(bottom, cell[kBilateralTaps - 1] / gw),
    right = std::max<Index>(right, cell[kBilateralTaps - 1] % gw);
  });
  f.rows = bottom - f.top + 1, f.cols = right - f.left + 1;
  f.weight.assign(usize(f.rows * f.cols), 0);
  each_tap([&](real scale, const std::int32_t* cell, const real* weight) {
    for (Index t = 0; t < kBilateralTaps; ++t)
      f.weight[usize((cell[t] / gw - f.top) * f.cols + cell[t] % gw - f.left)] += scale * weight[t];
  });
  return f;
}

/// Which cells meet which in the equations: those within reach of one view's position.
void GridSystem::lay_out(Index h, Index w) {
  const Index gh = cells_.dim(1), gw = cells_.dim(2);
  view_size_ = {h, w};
  // A jitter only magnifies, so a position sees a patch of pixels and one more on each side at most.
  const Index widest = std::max((h_ + h - 1) / h, (w_ + w - 1) / w) + 2;
  const Index reach = (widest + options_.spacing - 1) / options_.spacing + 1 + 2 * kBilateralReach;
  around_ = std::make_unique<Rectangles>(1, gh, gw);
  for (Index i = 0; i < gh; ++i)
    for (Index j = 0; j < gw; ++j) {
      const Index top = std::max<Index>(0, i - reach), left = std::max<Index>(0, j - reach);
      around_->add(0, top, left, std::min(gh, i + reach + 1) - top, std::min(gw, j + reach + 1) - left);
    }
  around_->finish();
  matrix_ = Tensor::zeros({around_->weights()});
  right_ = Tensor::zeros({1, gh, gw, channels_});
}

void GridSystem::add(const Jitter& jitter, const Tensor& view) {
  require<ShapeError>(view.rank() == 4 && view.dim(0) == 1 && view.dim(3) == channels_ && view.size() > 0,
                      "[feature grid] view ", view.shape(), " must be (1,h,w,", channels_, "), not empty.");
  const Index h = view.dim(1), w = view.dim(2), gh = cells_.dim(1), gw = cells_.dim(2);
  if (views_ == 0) lay_out(h, w);
  require<ShapeError>(h == view_size_.height && w == view_size_.width, "[feature grid] view ", view.shape(),
                      " after views of ", view_size_.height, "x", view_size_.width, " positions.");
  const ImageMaps look = jitter_maps(jitter, h_, w_);
  const AxisMap rows = average_axis(h_, h).after(look.rows), cols = average_axis(w_, w).after(look.cols);
  std::vector<Footprint> footprints(usize(h * w));
  parallel_for(h * w, [&](Index n) { footprints[usize(n)] = footprint(rows.rows(), cols.rows(), n / w, n % w); });
  // A task owns a row of cells, so no two write to the same place.
  parallel_for(gh, [&](Index y) {
    for (Index n = 0; n < h * w; ++n) {
      const Footprint& f = footprints[usize(n)];
      if (y < f.top || y >= f.top + f.rows) continue;
      const real* target = view.data() + n * channels_;
      for (Index x = 0; x < f.cols; ++x) {
        const real scale = f.weight[usize((y - f.top) * f.cols + x)];
        const Index cell = y * gw + f.left + x;
        const Rectangle& r = (*around_)[cell];
        for (Index i = 0; i < f.rows; ++i) {
          real* out = matrix_.data() + r.weights + (f.top + i - r.top) * r.cols + f.left - r.left;
          const real* in = f.weight.data() + i * f.cols;
          for (Index j = 0; j < f.cols; ++j) out[j] += scale * in[j];
        }
        real* out = right_.data() + cell * channels_;
        for (Index c = 0; c < channels_; ++c) out[c] += scale * target[c];
      }
    }
  });
  for (Index i = 0; i < view.size(); ++i)
    energy_ += static_cast<double>(view.data()[i]) * static_cast<double>(view.data()[i]);
  ++views_;
}

Tensor GridSystem::map(const Tensor& grid) const {
  Tensor y({1, h_, w_, grid.dim(3)});
  taps_.interpolate(grid, y.data());
  return y;
}

Tensor GridSystem::apply(const Tensor& matrix, const Tensor& x) const {
  Tensor y(x.shape());
  RectangleArgs args = around_->arguments(channels_);
  Tensor scratch({kernels().rectangle_scratch(args)});
  args.scratch = scratch.data();
  kernels().rectangle_sums(x.data(), matrix.data(), y.data(), args);
  return y;
}

double GridSystem::dot(const Tensor& a, const Tensor& b) const {
  double total = 0;
  for (Index i = 0; i < a.size(); ++i) total += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
  return total;
}

double GridSystem::error(const Tensor& grid) const {
  require<UsageError>(views_ > 0, "[feature grid] no views were added.");
  const double total = dot(grid, apply(matrix_, grid)) - 2 * dot(grid, right_) + energy_;
  return total / static_cast<double>(views_ * view_size_.height * view_size_.width * channels_);
}

Tensor GridSystem::solve(const Tensor& start, int iterations) const { return solve(right_, start, iterations); }

Tensor GridSystem::solve_about(const Tensor& mean, int iterations) const {
  require<UsageError>(views_ > 0, "[feature grid] no views were added.");
  require<ShapeError>(mean.shape() == right_.shape(), "[feature grid] mean ", mean.shape(), " for a grid ",
                      right_.shape(), ": they must be alike.");
  return mean + solve(right_ - apply(matrix_, mean), Tensor(), iterations);
}

Tensor GridSystem::solve(const Tensor& right, const Tensor& start, int iterations) const {
  require<UsageError>(views_ > 0, "[feature grid] no views were added.");
  const Index gw = cells_.dim(2), cells = cells_.dim(1) * gw;
  // The prior adds to the matrix between neighbours, in proportion to the likeness of their colours.
  Tensor matrix = matrix_.clone();
  const auto entry = [&](Index n, Index m) -> real& {
    const Rectangle& r = (*around_)[n];
    return matrix.data()[r.weights + (m / gw - r.top) * r.cols + m % gw - r.left];
  };
  const double prior = options_.smoothness * static_cast<double>(views_);
  const auto join = [&](Index n, Index m) {
    double distance = 0;
    for (Index k = 0; k < 3; ++k) {
      const auto d = static_cast<double>(cells_.data()[3 * n + k] - cells_.data()[3 * m + k]);
      distance += d * d;
    }
    const auto weight = static_cast<real>(
        prior *
        (std::exp(-distance / (2 * options_.edge * options_.edge)) * (1 - options_.least_link) + options_.least_link));
    entry(n, n) += weight, entry(m, m) += weight;
    entry(n, m) -= weight, entry(m, n) -= weight;
  };
  for (Index n = 0; n < cells; ++n) {
    if (n % gw + 1 < gw) join(n, n + 1);
    if (n + gw < cells) join(n, n + gw);
  }
  std::vector<real> inverse_diagonal;
  for (Index n = 0; n < cells; ++n) inverse_diagonal.push_back(1 / std::max(entry(n, n), real(1e-12)));
  require<ShapeError>(start.size() == 0 || start.shape() == right_.shape(), "[feature grid] start ", start.shape(),
                      " for a grid ", right_.shape(), ".");
  return conjugate_gradients([&](const Tensor& x) { return apply(matrix, x); }, right,
                             start.size() > 0 ? start : Tensor::zeros(right_.shape()), inverse_diagonal, iterations);
}

}  // namespace fu
