// Resizing, padding, blurring and all else that moves pixels along axes by fixed weights is one sparse matrix along rows and one along
// columns; backward is their transposes.
#include "autograd/gradient_cases.h"

namespace fu {

Var resample(const Var& x, const AxisMap& rows, const AxisMap& cols) {
  Tensor y = resample(x.value, rows, cols);
  if (!x.tracked()) return Var(std::move(y));  // else the maps would be copied in vain
  return record("resample", {x}, std::move(y), [rows, cols](const Gradient& g) { g.add(0, resample(g.dy, rows.transposed(), cols.transposed())); });
}

namespace {

template <class Axis>
Var resized(const char* op, const Var& x, Index height, Index width, const Axis& axis) {
  require<ShapeError>(x.rank() == 4 && x.dim(1) >= 1 && x.dim(2) >= 1 && height >= 1 && width >= 1, "[", op, "] x ", x.shape(), " to ", height, "x",
                      width, ": x must be (B,H,W,C) and no side 0.");
  return resample(x, axis(x.dim(1), height), axis(x.dim(2), width));
}

}  // namespace

Var resize_nearest(const Var& x, Index height, Index width) { return resized("resize_nearest", x, height, width, nearest_axis); }
Var resize_bilinear(const Var& x, Index height, Index width) {
  return resized("resize_bilinear", x, height, width, [](Index n, Index m) { return bilinear_axis(n, m); });
}
Var resize_bicubic(const Var& x, Index height, Index width) {
  return resized("resize_bicubic", x, height, width, [](Index n, Index m) { return bicubic_axis(n, m); });
}
Var resize_triangle(const Var& x, Index height, Index width) { return resized("resize_triangle", x, height, width, triangle_axis); }
Var adaptive_avg_pool(const Var& x, Index height, Index width) { return resized("adaptive_avg_pool", x, height, width, average_axis); }

Var zoom_bilinear(const Var& x, double zoom) {
  require<ShapeError>(x.rank() == 4 && zoom > 0 && static_cast<double>(std::min(x.dim(1), x.dim(2))) * zoom >= 1, "[zoom_bilinear] x ", x.shape(),
                      " times ", zoom, " must be (B,H,W,C) and leave a pixel.");
  return resample(x, zoom_axis(x.dim(1), zoom), zoom_axis(x.dim(2), zoom));
}
Var reflect_pad(const Var& x, Index radius) {
  require<ShapeError>(x.rank() == 4 && radius >= 0 && x.dim(1) > radius && x.dim(2) > radius, "[reflect_pad] x ", x.shape(), " by ", radius,
                      ": x must be (B,H,W,C), height and width above the radius.");
  return resample(x, reflect_axis(x.dim(1), radius), reflect_axis(x.dim(2), radius));
}
Var gaussian_blur(const Var& x, Index size, double sigma) {
  require<ShapeError>(x.rank() == 4 && size % 2 == 1 && x.dim(1) > size / 2 && x.dim(2) > size / 2 && sigma > 0, "[gaussian_blur] x ", x.shape(),
                      " with ", size, " taps: x must be (B,H,W,C), the size odd, and height and width above half of it.");
  return resample(x, gaussian_axis(x.dim(1), size, sigma), gaussian_axis(x.dim(2), size, sigma));
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
