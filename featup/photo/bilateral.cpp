#include "featup/photo/bilateral.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

void bilateral_taps(const Tensor& cells, double y, double x, const real* color, const BilateralWidths& widths,
                    std::int32_t* index, real* weight) {
  constexpr Index kSide = 2 * kBilateralReach + 1;
  const Index h = cells.dim(1), w = cells.dim(2);
  const auto row = static_cast<Index>(std::lround(y)), col = static_cast<Index>(std::lround(x));
  double total = 0, values[kBilateralTaps];
  for (Index t = 0; t < kBilateralTaps; ++t) {
    const Index r = row + t / kSide - kBilateralReach, q = col + t % kSide - kBilateralReach;
    const Index cell = std::clamp<Index>(r, 0, h - 1) * w + std::clamp<Index>(q, 0, w - 1);
    const real* other = cells.data() + 3 * cell;
    double distance = 0;
    for (int k = 0; k < 3; ++k)
      distance += static_cast<double>(color[k] - other[k]) * static_cast<double>(color[k] - other[k]);
    const double dy = y - static_cast<double>(r), dx = x - static_cast<double>(q);
    // 1e-6 keeps the sum positive where no cell has the point's colour.
    values[t] = std::exp(-(dy * dy + dx * dx) / (2 * widths.space * widths.space)) *
                (std::exp(-distance / (2 * widths.color * widths.color)) + 1e-6);
    index[t] = static_cast<std::int32_t>(cell);
    total += values[t];
  }
  for (Index t = 0; t < kBilateralTaps; ++t) weight[t] = static_cast<real>(values[t] / total);
}

void PhotoTaps::weigh(const real* colors, const PhotoPart& part, const Tensor& cells, const BilateralWidths& widths) {
  index.resize(usize(part.rows * part.cols * kBilateralTaps));
  weight.resize(index.size());
  const double down = static_cast<double>(cells.dim(1)) / static_cast<double>(part.height),
               across = static_cast<double>(cells.dim(2)) / static_cast<double>(part.width);
  parallel_for(part.rows, [&](Index i) {
    for (Index j = 0; j < part.cols; ++j) {
      const Index p = i * part.cols + j;
      bilateral_taps(cells, (static_cast<double>(part.top + i) + 0.5) * down - 0.5,
                     (static_cast<double>(part.left + j) + 0.5) * across - 0.5, colors + 3 * p, widths,
                     index.data() + p * kBilateralTaps, weight.data() + p * kBilateralTaps);
    }
  });
}

void PhotoTaps::interpolate(const Tensor& x, real* y) const {
  kernels().gather_rows(x.data(), index.data(), weight.data(), kBilateralTaps, y,
                        static_cast<Index>(index.size()) / kBilateralTaps, x.dim(3));
}

}  // namespace fu
