// Everything that moves pixels along an axis by fixed weights: resizing, zooming, padding, cropping, mirroring,
// blurring. Each is a sparse matrix along rows and another along columns; composing them before use turns, say, a whole
// jitter into one pass over the image.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/pool.h"
#include "core/tensor.h"

namespace fu {

/// A sparse linear map from an axis of n_in positions to one of n_out: y[i] = sum of weight[e] * x[index[e]] over row
/// i's entries.
class AxisMap {
 public:
  AxisMap(Index n_in, Index n_out_hint = 0);
  /// Adds `weight` * x[index] to the row being built; end_row() closes it. Positions are clamped to the axis, so
  /// borders repeat.
  void add(Index index, real weight);
  void end_row();

  Index n_in() const { return n_in_; }
  Index n_out() const { return static_cast<Index>(offset_.size()) - 1; }
  AxisRows rows() const { return {n_in_, n_out(), offset_.data(), index_.data(), weight_.data()}; }

  /// The map that first does `first`, then this. Throws ShapeError if the sizes do not meet.
  AxisMap after(const AxisMap& first) const;
  /// The map whose matrix is the transpose: the backward pass of this one.
  AxisMap transposed() const;

 private:
  Index n_in_;
  PoolVector<Index> offset_;
  PoolVector<std::int32_t> index_;
  PoolVector<real> weight_;
};

// Builders. Half-pixel centres: output i lies at (i + 0.5) * step - 0.5 on the input, step = n_in / n_out unless given.

/// Every output takes the input it lies in.
AxisMap nearest_axis(Index n_in, Index n_out);
AxisMap bilinear_axis(Index n_in, Index n_out, double step = 0);
/// Cubic convolution, A = -0.75, borders repeated. source: Keys 1981; A as in PyTorch.
AxisMap bicubic_axis(Index n_in, Index n_out, double step = 0);
/// Bilinear magnification by `zoom`: floor(n_in * zoom) outputs at a distance of 1 / zoom.
AxisMap zoom_axis(Index n_in, double zoom);
/// Output i is the mean of inputs [floor(i n_in / n_out), ceil((i+1) n_in / n_out)): adaptive average pooling.
AxisMap average_axis(Index n_in, Index n_out);
/// Triangle filter of half width max(1, n_in / n_out), normalised: Pillow's antialiased bilinear, before its rounding
/// to 8 bits.
AxisMap triangle_axis(Index n_in, Index n_out);
/// The weights behind it: those of output i, for inputs begin, begin + 1, ... Sum 1.
std::vector<double> triangle_weights(Index n_in, Index n_out, Index i, Index& begin);
/// `pad` more positions on both sides, mirrored without repeating the border; repeatedly where the axis is shorter than
/// the pad.
AxisMap reflect_axis(Index n, Index pad);
/// Gaussian of `size` taps (odd) and standard deviation sigma, normalised, mirrored at the borders.
AxisMap gaussian_axis(Index n, Index size, double sigma);
AxisMap crop_axis(Index n_in, Index begin, Index n_out);
AxisMap flip_axis(Index n);

/// x (B,H,W,C) -> (B, rows.n_out, cols.n_out, C). cost: entries of the maps times the other sizes. throws ShapeError if
/// H or W differ from what the maps take.
Tensor resample(const Tensor& x, const AxisMap& rows, const AxisMap& cols);

/// Rows [begin, end) of the result alone, for a single image x (1,H,W,C), written to out (end - begin, cols.n_out, C):
/// large results in bands need no more memory than a band.
void resample_band(const Tensor& x, const AxisMap& rows, const AxisMap& cols, Index begin, Index end, real* out);

/// A map along rows and one along columns: what each function below does to images of shape x, with its checks.
struct ImageMaps {
  AxisMap rows, cols;
};
ImageMaps resize_nearest_maps(const Shape& x, Index height, Index width);
ImageMaps resize_bilinear_maps(const Shape& x, Index height, Index width);
ImageMaps resize_bicubic_maps(const Shape& x, Index height, Index width);
ImageMaps resize_triangle_maps(const Shape& x, Index height, Index width);
ImageMaps adaptive_avg_pool_maps(const Shape& x, Index height, Index width);
ImageMaps zoom_bilinear_maps(const Shape& x, double zoom);
ImageMaps reflect_pad_maps(const Shape& x, Index radius);
ImageMaps gaussian_blur_maps(const Shape& x, Index size, double sigma);
inline Tensor resample(const Tensor& x, const ImageMaps& maps) { return resample(x, maps.rows, maps.cols); }

/// Resizes x (B,H,W,C) to (B,height,width,C).
inline Tensor resize_nearest(const Tensor& x, Index height, Index width) {
  return resample(x, resize_nearest_maps(x.shape(), height, width));
}
inline Tensor resize_bilinear(const Tensor& x, Index height, Index width) {
  return resample(x, resize_bilinear_maps(x.shape(), height, width));
}
inline Tensor resize_bicubic(const Tensor& x, Index height, Index width) {
  return resample(x, resize_bicubic_maps(x.shape(), height, width));
}
/// Antialiased: bilinear where it enlarges, a triangle over all covered pixels where it reduces.
inline Tensor resize_triangle(const Tensor& x, Index height, Index width) {
  return resample(x, resize_triangle_maps(x.shape(), height, width));
}
inline Tensor adaptive_avg_pool(const Tensor& x, Index height, Index width) {
  return resample(x, adaptive_avg_pool_maps(x.shape(), height, width));
}
/// x (B,H,W,C) -> (B, floor(H zoom), floor(W zoom), C)
inline Tensor zoom_bilinear(const Tensor& x, double zoom) { return resample(x, zoom_bilinear_maps(x.shape(), zoom)); }
/// x (B,H,W,C) -> (B,H+2r,W+2r,C). throws ShapeError if H or W <= radius.
inline Tensor reflect_pad(const Tensor& x, Index radius) { return resample(x, reflect_pad_maps(x.shape(), radius)); }
/// Same shape; throws ShapeError if size is even or H or W <= size / 2.
inline Tensor gaussian_blur(const Tensor& x, Index size, double sigma) {
  return resample(x, gaussian_blur_maps(x.shape(), size, sigma));
}

}  // namespace fu
