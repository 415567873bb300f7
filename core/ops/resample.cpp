#include "core/ops/resample.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"

namespace fu {

Tensor resample(const Tensor& x, const AxisMap& rows, const AxisMap& cols) {
  require<ShapeError>(x.rank() == 4 && x.dim(1) == rows.n_in() && x.dim(2) == cols.n_in(), "[resample] x ", x.shape(),
                      " for maps of ", rows.n_in(), " rows and ", cols.n_in(), " columns. x must be (B,", rows.n_in(),
                      ",", cols.n_in(), ",C).");
  const Index b = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  // The axis that shrinks most goes first: fewer numbers pass between the two steps.
  if (rows.n_out() * w <= h * cols.n_out()) {
    Tensor mid({b, rows.n_out(), w, c}), y({b, rows.n_out(), cols.n_out(), c});
    kernels().resample_axis(x.data(), mid.data(), b, w * c, rows.rows());
    kernels().resample_axis(mid.data(), y.data(), b * rows.n_out(), c, cols.rows());
    return y;
  }
  Tensor mid({b, h, cols.n_out(), c}), y({b, rows.n_out(), cols.n_out(), c});
  kernels().resample_axis(x.data(), mid.data(), b * h, c, cols.rows());
  kernels().resample_axis(mid.data(), y.data(), b, cols.n_out() * c, rows.rows());
  return y;
}

void resample_band(const Tensor& x, const AxisMap& rows, const AxisMap& cols, Index begin, Index end, real* out) {
  require<ShapeError>(x.rank() == 4 && x.dim(0) == 1 && x.dim(1) == rows.n_in() && x.dim(2) == cols.n_in() &&
                          begin >= 0 && begin <= end && end <= rows.n_out(),
                      "[resample] x ", x.shape(), " for maps of ", rows.n_in(), " rows and ", cols.n_in(),
                      " columns, band [", begin, ",", end, ") of ", rows.n_out(), ".");
  const Index w = x.dim(2), c = x.dim(3);
  Tensor mid({end - begin, w, c});
  AxisRows band = rows.rows();
  band.offset += begin;
  band.n_out = end - begin;
  kernels().resample_axis(x.data(), mid.data(), 1, w * c, band);
  kernels().resample_axis(mid.data(), out, end - begin, c, cols.rows());
}

namespace {

void check_image(const char* op, const Shape& x, Index height, Index width) {
  require<ShapeError>(x.rank() == 4 && x[1] >= 1 && x[2] >= 1, "[", op, "] x ", x,
                      " must be (B,H,W,C) with H and W at least 1.");
  require<ShapeError>(height >= 1 && width >= 1, "[", op, "] x ", x, " to ", height, "x", width,
                      ": sizes must be at least 1.");
}

/// The same kind of map along rows and along columns.
template <class Axis>
ImageMaps resized(const char* op, const Shape& x, Index height, Index width, const Axis& axis) {
  check_image(op, x, height, width);
  return {axis(x[1], height), axis(x[2], width)};
}

}  // namespace

ImageMaps resize_nearest_maps(const Shape& x, Index height, Index width) {
  return resized("resize_nearest", x, height, width, nearest_axis);
}

ImageMaps resize_bilinear_maps(const Shape& x, Index height, Index width) {
  return resized("resize_bilinear", x, height, width,
                 [](Index n_in, Index n_out) { return bilinear_axis(n_in, n_out); });
}

ImageMaps resize_bicubic_maps(const Shape& x, Index height, Index width) {
  return resized("resize_bicubic", x, height, width, [](Index n_in, Index n_out) { return bicubic_axis(n_in, n_out); });
}

ImageMaps resize_triangle_maps(const Shape& x, Index height, Index width) {
  return resized("resize_triangle", x, height, width, triangle_axis);
}

ImageMaps adaptive_avg_pool_maps(const Shape& x, Index height, Index width) {
  return resized("adaptive_avg_pool", x, height, width, average_axis);
}

ImageMaps zoom_bilinear_maps(const Shape& x, double zoom) {
  check_image("zoom_bilinear", x, 1, 1);
  require<ShapeError>(zoom > 0 && std::floor(static_cast<double>(std::min(x[1], x[2])) * zoom) >= 1,
                      "[zoom_bilinear] x ", x, " times ", zoom, " leaves no pixel.");
  return {zoom_axis(x[1], zoom), zoom_axis(x[2], zoom)};
}

ImageMaps reflect_pad_maps(const Shape& x, Index radius) {
  check_image("reflect_pad", x, 1, 1);
  require<ShapeError>(radius >= 0 && x[1] > radius && x[2] > radius, "[reflect_pad] x ", x, " by ", radius,
                      ": height and width must exceed the radius. Pad less, or enlarge x first.");
  return {reflect_axis(x[1], radius), reflect_axis(x[2], radius)};
}

ImageMaps gaussian_blur_maps(const Shape& x, Index size, double sigma) {
  check_image("gaussian_blur", x, 1, 1);
  require<ShapeError>(size % 2 == 1 && sigma > 0 && x[1] > size / 2 && x[2] > size / 2, "[gaussian_blur] x ", x,
                      " with ", size, " taps, sigma ", sigma,
                      ": taps must be odd, sigma positive, and x larger than half the taps.");
  return {gaussian_axis(x[1], size, sigma), gaussian_axis(x[2], size, sigma)};
}

}  // namespace fu
