#include "featup/jbu/photo_smoothing.h"

#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "featup/photo/preprocess.h"

namespace fu {

Tensor PhotoSmoothing::numbers() const {
  Tensor t({2});
  t.data()[0] = strength, t.data()[1] = color;
  return t;
}

LinkSmoother photo_smoother(const PhotoSmoothing& smoothing, const Tensor& photo) {
  constexpr Index kColors = 3;
  require<ShapeError>(photo.rank() == 4 && photo.dim(0) == 1 && photo.dim(3) == kColors, "[smoothing] photo ",
                      photo.shape(), ": must be (1,h,w,3).");
  const Index h = photo.dim(1), w = photo.dim(2);
  const double scale = 1 / (2 * std::pow(static_cast<double>(smoothing.color), 2));
  Tensor across = Tensor::zeros({h, w}), down = Tensor::zeros({h, w});
  parallel_ranges(h, 16, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index j = 0; j < w; ++j) {
        const real* own = photo.data() + (i * w + j) * kColors;
        const auto link = [&](const real* other) {
          double distance = 0;
          for (Index c = 0; c < kColors; ++c)
            distance += std::pow(static_cast<double>(own[c] - other[c]) * kPhotoDeviation[c], 2);
          const double likeness = std::exp(-distance * scale);
          return static_cast<real>(likeness < 1e-20 ? 0 : likeness);  // denormal numbers are slow
        };
        if (j + 1 < w) across.data()[i * w + j] = link(own + kColors);
        if (i + 1 < h) down.data()[i * w + j] = link(own + w * kColors);
      }
  });
  return {across, down, static_cast<double>(smoothing.strength)};
}

}  // namespace fu
