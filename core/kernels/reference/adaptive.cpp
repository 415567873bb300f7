// Definitions of adaptive convolution, its gradients, and sums of gathered rows.
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

void adaptive_conv_ref(const real* x, const real* k, real* y, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1;
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index t = 0; t < c; ++t) {
        double total = 0;
        for (Index u = 0; u < d; ++u)
          for (Index v = 0; v < d; ++v)
            total += double(k[((row * w + j) * d + u) * d + v]) *
                     x[((row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w)) * c + t];
        y[(row * w + j) * c + t] = static_cast<real>(total);
      }
}

void adaptive_conv_backward_input_ref(const real* k, const real* dy, real* dx, Index b, Index h, Index w, Index c,
                                      Index radius) {
  const Index d = 2 * radius + 1;
  std::vector<double> sum(usize(b * h * w * c));
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index u = 0; u < d; ++u)
        for (Index v = 0; v < d; ++v) {
          const Index to = (row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w);
          for (Index t = 0; t < c; ++t)
            sum[usize(to * c + t)] += double(k[((row * w + j) * d + u) * d + v]) * double(dy[(row * w + j) * c + t]);
        }
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<real>(sum[i]);
}

void adaptive_conv_backward_kernels_ref(const real* x, const real* dy, real* dk, Index b, Index h, Index w, Index c,
                                        Index radius) {
  const Index d = 2 * radius + 1;
  for (Index row = 0; row < b * h; ++row)
    for (Index j = 0; j < w; ++j)
      for (Index u = 0; u < d; ++u)
        for (Index v = 0; v < d; ++v) {
          const Index from = (row / h * h + reflect(row % h + u - radius, h)) * w + reflect(j + v - radius, w);
          double dot = 0;
          for (Index t = 0; t < c; ++t) dot += double(dy[(row * w + j) * c + t]) * double(x[from * c + t]);
          dk[((row * w + j) * d + u) * d + v] = static_cast<real>(dot);
        }
}

void gather_rows_ref(const real* x, const std::int32_t* index, const real* weight, Index taps, real* y, Index n,
                     Index c) {
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < c; ++k) {
      double total = 0;
      for (Index t = i * taps; t < (i + 1) * taps; ++t) total += double(weight[t]) * x[index[t] * c + k];
      y[i * c + k] = static_cast<real>(total);
    }
}

}  // namespace fu
