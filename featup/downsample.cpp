#include "featup/downsample.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "core/resample.h"

namespace fu {

std::vector<Index> window_starts(Index n, Index kernel, Index n_out, bool published) {
  require<ShapeError>(n_out >= 1 && kernel >= 1 && kernel <= n, "[downsample] windows of ", kernel, " on an axis of ", n, " for ", n_out,
                      " outputs: a window must fit. Use a smaller kernel.");
  std::vector<Index> starts;
  const Index stride = n_out > 1 ? (n - kernel) / (n_out - 1) : 0;
  for (Index i = 0; i < n_out; ++i) {
    const Index center = static_cast<Index>(
        std::lround((static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(n_out) - 0.5 * static_cast<double>(kernel)));
    starts.push_back(published ? i * stride : std::clamp<Index>(center, 0, n - kernel));
  }
  return starts;
}

namespace {

/// y[b,i,j,:] = sum over a window of weights(b,i,j) * x; weights fills k*k numbers.
template <class F>
Tensor pool_windows(const Tensor& x, Index k, Index h, Index w, bool published, const F& weights) {
  const std::vector<Index> rows = window_starts(x.dim(1), k, h, published), cols = window_starts(x.dim(2), k, w, published);
  const Index c = x.dim(3);
  Tensor y = Tensor::zeros({x.dim(0), h, w, c});
  parallel_for(x.dim(0) * h * w, [&](Index p, int) {
    const Index b = p / (h * w), i = p / w % h, j = p % w;
    const Index top = rows[static_cast<std::size_t>(i)], left = cols[static_cast<std::size_t>(j)];
    std::vector<real> weight(static_cast<std::size_t>(k * k));
    weights(b, i, j, top, left, weight.data());
    real* out = y.data() + p * c;
    for (Index u = 0; u < k; ++u)
      for (Index v = 0; v < k; ++v) {
        const real* in = x.data() + ((b * x.dim(1) + top + u) * x.dim(2) + left + v) * c;
        const real s = weight[static_cast<std::size_t>(u * k + v)];
        for (Index t = 0; t < c; ++t) out[t] += s * in[t];
      }
  });
  return y;
}

}  // namespace

Tensor simple_downsample(const Tensor& x, const Tensor& kernel, Index h, Index w, bool published) {
  require<ShapeError>(x.rank() == 4 && kernel.rank() == 2 && kernel.dim(0) == kernel.dim(1), "[simple_downsample] x ", x.shape(), ", kernel ",
                      kernel.shape(), ": must be (B,H,W,C) and (k,k).");
  double total = 0;
  for (Index t = 0; t < kernel.size(); ++t) total += std::abs(static_cast<double>(kernel.data()[t]));
  return pool_windows(x, kernel.dim(0), h, w, published, [&](Index, Index, Index, Index, Index, real* weight) {
    for (Index t = 0; t < kernel.size(); ++t) weight[t] = static_cast<real>(std::abs(static_cast<double>(kernel.data()[t])) / total);
  });
}

Tensor attention_downsample(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& saliency_weight, const Tensor& saliency_bias,
                            Index h, Index w, bool blur, bool published, const Tensor& keep) {
  require<ShapeError>(x.rank() == 4 && weight.rank() == 2 && weight.dim(0) == weight.dim(1) && bias.shape() == weight.shape() &&
                          saliency_weight.size() == x.dim(3) && saliency_bias.size() == 1 && (keep.size() == 0 || keep.size() == x.dim(0) * h * w),
                      "[attention_downsample] x ", x.shape(), ", w ", weight.shape(), ", b ", bias.shape(), ", saliency ", saliency_weight.shape(),
                      " and ", saliency_bias.shape(), ", keep ", keep.shape(), ": must be (B,H,W,C), (k,k), (k,k), (C), one number, (B,h,w).");
  const Tensor smooth = blur ? gaussian_blur(x, 5, 1) : x;
  const Tensor saliency = linear(smooth, saliency_weight.reshape({1, x.dim(3)}), saliency_bias.reshape({1}));
  const Index k = weight.dim(0);
  return pool_windows(smooth, k, h, w, published, [&](Index b, Index i, Index j, Index top, Index left, real* out) {
    const real kept = keep.size() ? keep.data()[(b * h + i) * w + j] : 1;
    real highest = 0;
    for (Index t = 0; t < k * k; ++t) {
      const real s = saliency.data()[(b * x.dim(1) + top + t / k) * x.dim(2) + left + t % k] * kept;
      out[t] = s * weight.data()[t] + bias.data()[t];
      highest = t == 0 ? out[t] : std::max(highest, out[t]);
    }
    double total = 0;
    for (Index t = 0; t < k * k; ++t) total += static_cast<double>(out[t] = std::exp(out[t] - highest));
    for (Index t = 0; t < k * k; ++t) out[t] = static_cast<real>(static_cast<double>(out[t]) / total);
  });
}

}  // namespace fu
