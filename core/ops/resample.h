// Images resized, zoomed, padded and blurred: each is a sparse map along rows and one along columns (axis_map.h). Maps
// compose before use, so that a whole jitter costs one pass over the image.
#pragma once

#include "core/ops/axis_map.h"
#include "core/tensor.h"

namespace fu {

/// x (B,H,W,C) -> (B, rows.n_out, cols.n_out, C). cost: entries of the maps times the other sizes. throws ShapeError if
/// H or W differ from what the maps take.
Tensor resample(const Tensor& x, const AxisMap& rows, const AxisMap& cols);

/// Rows [begin, end) of the result alone, for a single image x (1,H,W,C), written to out (end - begin, cols.n_out, C).
/// A large result that is made in bands needs no more memory than a band. throws ShapeError if sizes do not fit.
void resample_band(const Tensor& x, const AxisMap& rows, const AxisMap& cols, Index begin, Index end, real* out);

/// A map along rows and one along columns. Each builder below checks an image shape x (B,H,W,C) and throws ShapeError
/// as the function of the same name does.
struct ImageMaps {
  AxisMap rows, cols;
};
/// x: a shape (B,H,W,C). cost: as many entries as the maps have.
ImageMaps resize_nearest_maps(const Shape& x, Index height, Index width);
ImageMaps resize_bilinear_maps(const Shape& x, Index height, Index width);
ImageMaps resize_bicubic_maps(const Shape& x, Index height, Index width);
ImageMaps resize_triangle_maps(const Shape& x, Index height, Index width);
ImageMaps adaptive_avg_pool_maps(const Shape& x, Index height, Index width);
ImageMaps zoom_bilinear_maps(const Shape& x, double zoom);
ImageMaps reflect_pad_maps(const Shape& x, Index radius);
ImageMaps gaussian_blur_maps(const Shape& x, Index size, double sigma);
/// See resample() above.
inline Tensor resample(const Tensor& x, const ImageMaps& maps) { return resample(x, maps.rows, maps.cols); }

/// Resizes x (B,H,W,C) to (B,height,width,C). Positions are half-pixel centres; see the axis maps of these names.
/// @code
/// const Tensor x = Tensor::from({1, 1, 2, 1}, {0, 4});
/// const Tensor y = resize_bilinear(x, 1, 4);  // 0, 1, 3, 4
/// assert(y.data()[1] == 1);
/// @endcode
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
