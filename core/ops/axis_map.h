// Sparse linear maps along one axis of an image. Resizing, zooming, padding, cropping, mirroring and blurring are each
// one map along rows and one along columns.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/pool.h"
#include "core/shape.h"

namespace fu {

/// A sparse matrix from an axis of n_in positions to one of n_out: y[i] = sum of weight[e] * x[index[e]] over the
/// entries e of row i.
class AxisMap {
 public:
  /// n_out_hint: how many rows are expected, to allocate once. throws ShapeError unless 1 <= n_in < 2^31.
  AxisMap(Index n_in, Index n_out_hint = 0);
  /// Adds `weight` * x[index] to the row being built; end_row() closes it. Positions are clamped to the axis, so
  /// borders repeat.
  void add(Index index, real weight);
  /// Closes the row: the next one begins.
  void end_row();

  Index n_in() const { return n_in_; }
  Index n_out() const { return static_cast<Index>(offset_.size()) - 1; }
  /// What the kernels read. Valid while this map lives and stays as it is.
  AxisRows rows() const { return {n_in_, n_out(), offset_.data(), index_.data(), weight_.data()}; }

  /// The map that first does `first`, then this. throws ShapeError if the sizes do not meet.
  AxisMap after(const AxisMap& first) const;
  /// The map whose matrix is the transpose: the backward pass of this one.
  AxisMap transposed() const;

 private:
  Index n_in_;
  PoolVector<Index> offset_;
  PoolVector<std::int32_t> index_;
  PoolVector<real> weight_;
};

// Builders. Positions are half-pixel centres: output i lies at (i + 0.5) * step - 0.5 on the input, with step =
// n_in / n_out unless it is given.

/// Every output takes the input that it lies in.
AxisMap nearest_axis(Index n_in, Index n_out);
/// Linear between the two inputs beside the output's position.
AxisMap bilinear_axis(Index n_in, Index n_out, double step = 0);
/// Cubic convolution, A = -0.75, borders repeated. source: Keys 1981; A as in PyTorch.
AxisMap bicubic_axis(Index n_in, Index n_out, double step = 0);
/// Cubic convolution, A = -0.5, of half width 2 max(1, n_in / n_out), normalised: PyTorch's antialiased bicubic.
AxisMap antialiased_bicubic_axis(Index n_in, Index n_out);
/// Bilinear magnification by `zoom`: floor(n_in * zoom) outputs at a distance of 1 / zoom.
AxisMap zoom_axis(Index n_in, double zoom);
/// Output i is the mean of inputs [floor(i n_in / n_out), ceil((i+1) n_in / n_out)): adaptive average pooling.
AxisMap average_axis(Index n_in, Index n_out);
/// Triangle filter of half width max(1, n_in / n_out), normalised: Pillow's antialiased bilinear, before its rounding
/// to 8 bits.
AxisMap triangle_axis(Index n_in, Index n_out);
/// The triangle filter's weights for output i, for inputs begin, begin + 1, ... They sum to 1.
std::vector<double> triangle_weights(Index n_in, Index n_out, Index i, Index& begin);
/// `pad` more positions on both sides, mirrored without repeating the border; mirrored repeatedly where the axis is
/// shorter than the pad.
AxisMap reflect_axis(Index n, Index pad);
/// Gaussian of `size` taps (odd) and standard deviation sigma (in positions), normalised, mirrored at the borders.
AxisMap gaussian_axis(Index n, Index size, double sigma);
/// Inputs [begin, begin + n_out). throws ShapeError if they do not lie within the axis.
AxisMap crop_axis(Index n_in, Index begin, Index n_out);
/// The inputs in the opposite order.
AxisMap flip_axis(Index n);

}  // namespace fu
