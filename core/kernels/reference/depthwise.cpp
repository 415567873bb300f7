// Definitions of the convolution of each channel by itself.
#include <algorithm>
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// Calls f(element of y, element of the weights, element of x) for all products.
template <class F>
void each_product(Index b, const WindowArgs& g, const F& f) {
  for (Index i = 0; i < b * g.rows; ++i)
    for (Index j = 0; j < g.cols; ++j)
      for (Index u = 0; u < g.kh; ++u)
        for (Index v = 0; v < g.kw; ++v) {
          const Index row = i % g.rows + u - g.pad, col = j + v - g.pad;
          if (row < 0 || row >= g.h || col < 0 || col >= g.w) continue;
          for (Index t = 0; t < g.c; ++t)
            f((i * g.cols + j) * g.c + t, (u * g.kw + v) * g.c + t, ((i / g.rows * g.h + row) * g.w + col) * g.c + t);
        }
}

}  // namespace

void depthwise_conv_ref(const real* x, const real* weight, const real* bias, real* y, Index b, const WindowArgs& g) {
  std::vector<double> total(static_cast<std::size_t>(b * g.rows * g.cols * g.c));
  each_product(b, g, [&](Index out, Index w, Index in) {
    total[static_cast<std::size_t>(out)] += static_cast<double>(weight[w]) * static_cast<double>(x[in]);
  });
  for (std::size_t i = 0; i < total.size(); ++i)
    y[i] = static_cast<real>(total[i] + (bias ? static_cast<double>(bias[static_cast<Index>(i) % g.c]) : 0.0));
}

void depthwise_conv_backward_weight_ref(const real* x, const real* dy, real* dweight, Index b, const WindowArgs& g) {
  std::vector<double> total(static_cast<std::size_t>(g.kh * g.kw * g.c));
  each_product(b, g, [&](Index out, Index w, Index in) {
    total[static_cast<std::size_t>(w)] += static_cast<double>(dy[out]) * static_cast<double>(x[in]);
  });
  std::transform(total.begin(), total.end(), dweight, [](double t) { return static_cast<real>(t); });
}

}  // namespace fu
