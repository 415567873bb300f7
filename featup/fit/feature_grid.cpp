#include "featup/fit/feature_grid.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/ops.h"
#include "core/parallel.h"

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

/// The cells that one position of a view's features reads, and how much of each.
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
  f.weight.assign(static_cast<std::size_t>(f.rows * f.cols), 0);
  each_tap([&](real scale, const std::int32_t* cell, const real* weight) {
    for (Index t = 0; t < kBilateralTaps; ++t)
      f.weight[static_cast<std::size_t>((cell[t] / gw - f.top) * f.cols + cell[t] % gw - f.left)] += scale * weight[t];
  });
  return f;
}

void GridSystem::add(const Jitter& jitter, const Tensor& view) {
  require<ShapeError>(view.rank() == 4 && view.dim(0) == 1 && view.dim(3) == channels_ && view.size() > 0,
                      "[feature grid] view ", view.shape(), " must be (1,h,w,", channels_, "), not empty.");
  const Index h = view.dim(1), w = view.dim(2), gh = cells_.dim(1), gw = cells_.dim(2);
  if (views_ == 0) {
    patch_ = {h, w};
    // A jitter only magnifies, so a position sees a patch of pixels and one more on each side at most.
    const Index widest = std::max((h_ + h - 1) / h, (w_ + w - 1) / w) + 2;
    reach_ = (widest + options_.spacing - 1) / options_.spacing + 1 + 2 * kBilateralReach;
    around_ = std::make_unique<Rectangles>(1, gh, gw);
    for (Index i = 0; i < gh; ++i)
      for (Index j = 0; j < gw; ++j) {
        const Index top = std::max<Index>(0, i - reach_), left = std::max<Index>(0, j - reach_);
        around_->add(0, top, left, std::min(gh, i + reach_ + 1) - top, std::min(gw, j + reach_ + 1) - left);
      }
    around_->finish();
    matrix_ = Tensor::zeros({around_->weights()});
    right_ = Tensor::zeros({1, gh, gw, channels_});
  }
  require<ShapeError>(h == patch_.height && w == patch_.width, "[feature grid] view ", view.shape(), " after views of ",
                      patch_.height, "x", patch_.width, " positions.");
  const ImageMaps look = jitter_maps(jitter, h_, w_);
  const AxisMap rows = average_axis(h_, h).after(look.rows), cols = average_axis(w_, w).after(look.cols);
  std::vector<Footprint> prints(static_cast<std::size_t>(h * w));
  parallel_for(h * w, [&](Index n, int) {
    prints[static_cast<std::size_t>(n)] = footprint(rows.rows(), cols.rows(), n / w, n % w);
  });
  // A task owns a row of cells, so no two write to the same place.
  parallel_for(gh, [&](Index y, int) {
    for (Index n = 0; n < h * w; ++n) {
      const Footprint& f = prints[static_cast<std::size_t>(n)];
      if (y < f.top || y >= f.top + f.rows) continue;
      const real* seen = view.data() + n * channels_;
      for (Index x = 0; x < f.cols; ++x) {
        const real scale = f.weight[static_cast<std::size_t>((y - f.top) * f.cols + x)];
        const Index cell = y * gw + f.left + x;
        const Rectangle& r = (*around_)[cell];
        for (Index i = 0; i < f.rows; ++i) {
          real* out = matrix_.data() + r.weights + (f.top + i - r.top) * r.cols + f.left - r.left;
          const real* in = f.weight.data() + i * f.cols;
          for (Index j = 0; j < f.cols; ++j) out[j] += scale * in[j];
        }
        real* out = right_.data() + cell * channels_;
        for (Index c = 0; c < channels_; ++c) out[c] += scale * seen[c];
      }
    }
  });
  for (Index i = 0; i < view.size(); ++i)
    square_ += static_cast<double>(view.data()[i]) * static_cast<double>(view.data()[i]);
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
  require<UsageError>(views_ > 0, "[feature grid] no views.");
  const double total = dot(grid, apply(matrix_, grid)) - 2 * dot(grid, right_) + square_;
  return total / static_cast<double>(views_ * patch_.height * patch_.width * channels_);
}

Tensor GridSystem::solve(const Tensor& start, int iterations) const {
  require<UsageError>(views_ > 0, "[feature grid] no views.");
  const Index gh = cells_.dim(1), gw = cells_.dim(2), cells = gh * gw, c = channels_;
  // The prior is one more term of the matrix: between neighbours, in proportion to how alike they look.
  Tensor matrix = matrix_.clone();
  const auto entry = [&](Index n, Index m) -> real& {
    const Rectangle& r = (*around_)[n];
    return matrix.data()[r.weights + (m / gw - r.top) * r.cols + m % gw - r.left];
  };
  const double prior = options_.smoothness * static_cast<double>(views_);
  const auto join = [&](Index n, Index m) {
    double apart = 0;
    for (Index k = 0; k < 3; ++k) {
      const auto d = static_cast<double>(cells_.data()[3 * n + k] - cells_.data()[3 * m + k]);
      apart += d * d;
    }
    const auto weight = static_cast<real>(
        prior * (std::exp(-apart / (2 * options_.edge * options_.edge)) * (1 - options_.least) + options_.least));
    entry(n, n) += weight, entry(m, m) += weight;
    entry(n, m) -= weight, entry(m, n) -= weight;
  };
  for (Index n = 0; n < cells; ++n) {
    if (n % gw + 1 < gw) join(n, n + 1);
    if (n + gw < cells) join(n, n + gw);
  }
  std::vector<real> inverse_diagonal;
  for (Index n = 0; n < cells; ++n) inverse_diagonal.push_back(1 / std::max(entry(n, n), real(1e-12)));

  // Conjugate gradients, preconditioned by the diagonal; every channel has steps of its own. source: Hestenes and
  // Stiefel (1952)
  Tensor x = start.size() > 0 ? start.clone() : Tensor::zeros(right_.shape());
  require<ShapeError>(x.shape() == right_.shape(), "[feature grid] start ", start.shape(), " for a grid ",
                      right_.shape(), ".");
  Tensor residual = right_ - apply(matrix, x), direction = Tensor::zeros(x.shape());
  std::vector<double> before(static_cast<std::size_t>(c)), now(before), along(before);
  const auto products = [&](const Tensor& a, const Tensor& b, bool scaled, std::vector<double>& out) {
    parallel_ranges(c, 16, [&](Index begin, Index end) {
      for (Index k = begin; k < end; ++k) out[static_cast<std::size_t>(k)] = 0;
      for (Index n = 0; n < cells; ++n)
        for (Index k = begin; k < end; ++k)
          out[static_cast<std::size_t>(k)] +=
              static_cast<double>(a.data()[n * c + k]) * static_cast<double>(b.data()[n * c + k]) *
              static_cast<double>(scaled ? inverse_diagonal[static_cast<std::size_t>(n)] : 1);
    });
  };
  for (int step = 0; step < iterations; ++step) {
    products(residual, residual, true, now);
    parallel_ranges(cells, 64, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        for (Index k = 0; k < c; ++k) {
          const auto i = static_cast<std::size_t>(k);
          const real keep = step > 0 && before[i] > 0 ? static_cast<real>(now[i] / before[i]) : 0;
          real& d = direction.data()[n * c + k];
          d = inverse_diagonal[static_cast<std::size_t>(n)] * residual.data()[n * c + k] + keep * d;
        }
    });
    before = now;
    const Tensor image = apply(matrix, direction);
    products(direction, image, false, along);
    parallel_ranges(cells, 64, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        for (Index k = 0; k < c; ++k) {
          const auto i = static_cast<std::size_t>(k);
          const real far = along[i] > 0 ? static_cast<real>(now[i] / along[i]) : 0;
          x.data()[n * c + k] += far * direction.data()[n * c + k];
          residual.data()[n * c + k] -= far * image.data()[n * c + k];
        }
    });
  }
  return x;
}

}  // namespace fu
