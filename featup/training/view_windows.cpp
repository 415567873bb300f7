#include "featup/training/view_windows.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"
#include "featup/training/downsample.h"

namespace fu {

ViewWindows::Axis ViewWindows::axis_of(AxisMap map, const std::vector<Index>& starts, Index kernel) {
  Axis axis{std::move(map), starts, {}, {}};
  const AxisRows rows = axis.map.rows();
  for (Index start : starts) {
    const auto [low, high] =
        std::minmax_element(rows.index + rows.offset[start], rows.index + rows.offset[start + kernel]);
    axis.first.push_back(*low);
    axis.count.push_back(*high - *low + 1);
  }
  return axis;
}

ViewWindows::ViewWindows(const std::vector<Jitter>& jitters, Index map_h, Index map_w, Index h, Index w, Index kernel,
                         bool published, bool blur, Extent image) {
  auto plan = std::make_shared<Plan>();
  auto rectangles = std::make_shared<Rectangles>(1, map_h, map_w);
  plan->kernel = kernel, plan->cells = h * w;
  if (image.height == 0) image = {map_h, map_w};
  const std::vector<Index> tops = window_starts(image.height, kernel, h, published),
                           lefts = window_starts(image.width, kernel, w, published);
  for (const Jitter& jitter : jitters) {
    ImageMaps maps = jitter_maps(jitter, image.height, image.width);
    if (image.height != map_h) maps.rows = maps.rows.after(triangle_axis(map_h, image.height));
    if (image.width != map_w) maps.cols = maps.cols.after(triangle_axis(map_w, image.width));
    if (blur) {
      const ImageMaps gauss = gaussian_blur_maps({1, image.height, image.width, 1}, 5, 1);
      maps = {gauss.rows.after(maps.rows), gauss.cols.after(maps.cols)};
    }
    plan->rows.push_back(axis_of(std::move(maps.rows), tops, kernel));
    plan->cols.push_back(axis_of(std::move(maps.cols), lefts, kernel));
    const Axis &rows = plan->rows.back(), &cols = plan->cols.back();
    for (std::size_t i = 0; i < tops.size(); ++i)
      for (std::size_t j = 0; j < lefts.size(); ++j)
        rectangles->add(0, rows.first[i], cols.first[j], rows.count[i], cols.count[j]);
  }
  rectangles->finish();
  plan_ = std::move(plan);
  rectangles_ = std::move(rectangles);
}

/// Memory of one thread, which all its windows use in turn.
struct ViewWindows::Scratch {
  PoolVector<real> parts[3];
  real* get(int part, Index n) {
    if (static_cast<Index>(parts[part].size()) < n) parts[part].resize(usize(n));
    return parts[part].data();
  }
};

/// Calls f(window, its rows, its columns, row of windows, column of windows, scratch), some windows at a time on each
/// thread.
template <class F>
void ViewWindows::Plan::each_window(const F& f) const {
  parallel_ranges(static_cast<Index>(rows.size()) * cells, 32, [&](Index begin, Index end) {
    Scratch scratch;
    for (Index n = begin; n < end; ++n) {
      const auto view = usize(n / cells);
      const auto across = static_cast<Index>(cols[view].starts.size());
      f(n, rows[view], cols[view], usize(n % cells / across), usize(n % cells % across), scratch);
    }
  });
}

namespace {

void transpose(const real* x, Index rows, Index columns, Index ldx, real* y) {
  for (Index j = 0; j < columns; ++j)
    for (Index i = 0; i < rows; ++i) y[j * rows + i] = x[i * ldx + j];
}

}  // namespace

/// values: one channel of the whole map if `whole_map`, else the rectangles' pixels one after another.
Tensor ViewWindows::fetch(const Plan& plan, const Rectangles& rectangles, const Tensor& values, bool whole_map,
                          const Tensor& keep) {
  const Index k = plan.kernel;
  Tensor seen({rectangles.count(), k * k});
  plan.each_window([&](Index n, const Axis& rows, const Axis& cols, std::size_t i, std::size_t j, Scratch& scratch) {
    if (keep.size() > 0 && keep.data()[n] == 0) return;
    const Rectangle& r = rectangles[n];
    const Index ld = whole_map ? rectangles.w() : r.cols;
    const real* in = values.data() + (whole_map ? r.top * ld + r.left : r.weights);
    real *mid = scratch.get(0, k * r.cols), *across = scratch.get(1, k * r.cols), *out = scratch.get(2, k * k);
    kernels().map_rows(rows.map.rows(), rows.starts[i], k, rows.first[i], in, ld, mid, r.cols, r.cols, false);
    transpose(mid, k, r.cols, r.cols, across);
    kernels().map_rows(cols.map.rows(), cols.starts[j], k, cols.first[j], across, k, out, k, k, false);
    transpose(out, k, k, k, seen.data() + n * k * k);
  });
  return seen;
}

Tensor ViewWindows::carry(const Plan& plan, const Rectangles& rectangles, const Tensor& weights, const Tensor& keep) {
  const Index k = plan.kernel;
  Tensor carried({rectangles.weights()});
  plan.each_window([&](Index n, const Axis& rows, const Axis& cols, std::size_t i, std::size_t j, Scratch& scratch) {
    const Rectangle& r = rectangles[n];
    real* const out = carried.data() + r.weights;
    std::fill(out, out + r.rows * r.cols, real(0));
    if (keep.size() > 0 && keep.data()[n] == 0) return;
    real *in = scratch.get(2, k * k), *across = scratch.get(1, k * r.cols), *mid = scratch.get(0, k * r.cols);
    std::fill(across, across + k * r.cols, real(0));
    transpose(weights.data() + n * k * k, k, k, k, in);
    kernels().map_rows(cols.map.rows(), cols.starts[j], k, cols.first[j], in, k, across, k, k, true);
    transpose(across, r.cols, k, k, mid);
    kernels().map_rows(rows.map.rows(), rows.starts[i], k, rows.first[i], mid, r.cols, out, r.cols, r.cols, true);
  });
  return carried;
}

Var ViewWindows::see(const Var& channel, const Tensor& keep) const {
  require<ShapeError>(channel.shape() == Shape({1, rectangles_->h(), rectangles_->w(), 1}) &&
                          (keep.size() == 0 || keep.size() == count()),
                      "[view windows] channel ", channel.shape(), ", keep ", keep.shape(), " for ", count(),
                      " windows on a map of ", rectangles_->h(), "x", rectangles_->w(),
                      ": must be (1,H,W,1), and (windows) or empty.");
  return record("see", {channel}, fetch(*plan_, *rectangles_, channel.value, true, keep),
                [plan = plan_, rectangles = rectangles_, keep](const Gradient& g) {
                  const Tensor carried = carry(*plan, *rectangles, g.dy, keep);
                  const Tensor ones = Tensor::full({rectangles->count()}, 1);
                  Tensor dx({1, rectangles->h(), rectangles->w(), 1});
                  kernels().rectangle_sums_backward_input(carried.data(), ones.data(), dx.data(), false,
                                                          rectangles->arguments(1));
                  g.add(0, std::move(dx));
                });
}

Var ViewWindows::onto_map(const Var& weights) const {
  require<ShapeError>(weights.shape() == Shape({count(), plan_->kernel * plan_->kernel}), "[view windows] weights ",
                      weights.shape(), " must be (", count(), ",", plan_->kernel * plan_->kernel, ").");
  return record("onto_map", {weights}, carry(*plan_, *rectangles_, weights.value, {}),
                [plan = plan_, rectangles = rectangles_](const Gradient& g) {
                  g.add(0, fetch(*plan, *rectangles, g.dy, false, {}));
                });
}

}  // namespace fu
