// Resizing, padding and blurring are linear maps with fixed weights: a sparse matrix along rows and one along columns.
// The backward pass applies their transposes.
#include "autograd/gradient_cases.h"

namespace fu {

Var resample(const Var& x, const AxisMap& rows, const AxisMap& cols) {
  Tensor y = resample(x.value, rows, cols);
  if (!x.tracked()) return Var(std::move(y));  // the maps need not be copied
  return record("resample", {x}, std::move(y),
                [rows, cols](const Gradient& g) { g.add(0, resample(g.dy, rows.transposed(), cols.transposed())); });
}

namespace {

Var resample(const Var& x, const ImageMaps& maps) { return resample(x, maps.rows, maps.cols); }

}  // namespace

Var resize_nearest(const Var& x, Index height, Index width) {
  return resample(x, resize_nearest_maps(x.shape(), height, width));
}
Var resize_bilinear(const Var& x, Index height, Index width) {
  return resample(x, resize_bilinear_maps(x.shape(), height, width));
}
Var resize_bicubic(const Var& x, Index height, Index width) {
  return resample(x, resize_bicubic_maps(x.shape(), height, width));
}
Var resize_triangle(const Var& x, Index height, Index width) {
  return resample(x, resize_triangle_maps(x.shape(), height, width));
}
Var adaptive_avg_pool(const Var& x, Index height, Index width) {
  return resample(x, adaptive_avg_pool_maps(x.shape(), height, width));
}
Var zoom_bilinear(const Var& x, double zoom) { return resample(x, zoom_bilinear_maps(x.shape(), zoom)); }
Var reflect_pad(const Var& x, Index radius) { return resample(x, reflect_pad_maps(x.shape(), radius)); }
Var gaussian_blur(const Var& x, Index size, double sigma) {
  return resample(x, gaussian_blur_maps(x.shape(), size, sigma));
}

void gradient_cases_resample(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{2, 5, 7, 3}, Shape{1, 4, 3, 9}, Shape{0, 4, 4, 2}}) {
    cases.add("nearest " + shape.str(), {cases.normal(shape)}, [](In x) { return resize_nearest(x[0], 9, 4); });
    cases.add("bilinear " + shape.str(), {cases.normal(shape)}, [](In x) { return resize_bilinear(x[0], 3, 11); });
    cases.add("bicubic " + shape.str(), {cases.normal(shape)}, [](In x) { return resize_bicubic(x[0], 8, 14); });
    cases.add("triangle " + shape.str(), {cases.normal(shape)}, [](In x) { return resize_triangle(x[0], 2, 5); });
    cases.add("pool " + shape.str(), {cases.normal(shape)}, [](In x) { return adaptive_avg_pool(x[0], 2, 3); });
    cases.add("zoom " + shape.str(), {cases.normal(shape)}, [](In x) { return zoom_bilinear(x[0], 1.37); });
    cases.add("pad " + shape.str(), {cases.normal(shape)}, [](In x) { return reflect_pad(x[0], 2); });
    cases.add("blur " + shape.str(), {cases.normal(shape)}, [](In x) { return gaussian_blur(x[0], 5, 1); });
  }
}

}  // namespace fu
