#include "featup/fit/grid_fit.h"

namespace fu {

namespace {

constexpr int kIterations = 10;  // of conjugate gradients, for one solution

}  // namespace

GridFit::GridFit(const Tensor& photo, Index channels, const GridOptions& options, const ValidationViews& validation)
    : validation_(validation), equations_(photo, channels, options), validation_equations_(photo, channels, options) {
  for (const JitteredView& v : validation.views()) validation_equations_.add(v.jitter, v.features);
}

double GridFit::solve() {
  grid_ = equations_.solve(grid_, kIterations);
  loss_ = equations_.error(grid_);
  explained_.push_back(
      validation_.explained_with(validation_equations_.error(grid_) * static_cast<double>(validation_.size())));
  return explained_.back();
}

bool GridFit::settled() const {
  const std::size_t n = explained_.size();
  return n > 4 && explained_[n - 1] < explained_[n - 4] + 1e-3 && explained_[n - 2] < explained_[n - 5] + 1e-3;
}

}  // namespace fu
