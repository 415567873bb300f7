#include "featup/losses.h"

#include <cmath>
#include <vector>

namespace fu {

Tensor magnitude(const Tensor& x) { return unary(Unary::sqrt, sum(unary(Unary::square, x), -1)); }

Tensor reconstruction_loss(const Tensor& pred, const Tensor& target, const Tensor& scale) {
  require<ShapeError>(pred.shape() == target.shape() && scale.rank() == pred.rank() && scale.dim(-1) == 1, "[reconstruction_loss] pred ",
                      pred.shape(), ", target ", target.shape(), ", scale ", scale.shape(), ": the first two must be equal, scale (..,1).");
  const Tensor error = unary(Unary::square, pred - target) / unary(Unary::affine, unary(Unary::square, scale), 2);
  return mean(error + unary(Unary::log, scale));
}

Tensor total_variation(const Tensor& x) {
  require<ShapeError>(x.rank() == 4, "[total_variation] x ", x.shape(), " must be (B,H,W,C).");
  const Index b = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3);
  double total = 0;
  for (Index n = 0; n < b; ++n)
    for (Index i = 0; i < h; ++i)
      for (Index j = 0; j < w; ++j) {
        const real* p = x.data() + ((n * h + i) * w + j) * c;
        for (Index t = 0; t < c; ++t) {
          const double down = i + 1 < h ? static_cast<double>(p[t + w * c] - p[t]) : 0, right = j + 1 < w ? static_cast<double>(p[t + c] - p[t]) : 0;
          total += down * down + right * right;
        }
      }
  return Tensor::full(Shape{}, static_cast<real>(x.size() > 0 ? total / static_cast<double>(x.size()) : 0));
}

Tensor scale_net(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor logit = linear(x, weight.reshape({1, weight.size()}), bias.reshape({1}));
  return unary(Unary::clamp_min, unary(Unary::exp, unary(Unary::affine, logit, 1, real(0.1))), real(1e-4));
}

Tensor crf_loss(const Tensor& guidance, const Tensor& features, const std::vector<Index>& rows, const std::vector<Index>& cols, const CrfOptions& o) {
  const std::size_t n = rows.size();
  require<ShapeError>(guidance.rank() == 4 && features.rank() == 4 && guidance.dim(0) == features.dim(0) && guidance.dim(1) == features.dim(1) &&
                          guidance.dim(2) == features.dim(2) && cols.size() == n && n > 0,
                      "[crf_loss] guidance ", guidance.shape(), ", features ", features.shape(), ", ", n, " rows and ", cols.size(),
                      " columns: maps must have equal B, H, W, samples a row and a column each.");
  const Index h = guidance.dim(1), w = guidance.dim(2);
  for (std::size_t i = 0; i < n; ++i)
    require<ShapeError>(rows[i] >= 0 && rows[i] < h && cols[i] >= 0 && cols[i] < w, "[crf_loss] sample (", rows[i], ",", cols[i], ") of ", h, "x", w,
                        ".");
  const auto distance = [&](const Tensor& x, Index b, std::size_t i, std::size_t j) {
    const real *p = x.data() + ((b * h + rows[i]) * w + cols[i]) * x.dim(3), *q = x.data() + ((b * h + rows[j]) * w + cols[j]) * x.dim(3);
    double total = 0;
    for (Index t = 0; t < x.dim(3); ++t) total += static_cast<double>(p[t] - q[t]) * static_cast<double>(p[t] - q[t]);
    return total;
  };
  double total = 0;
  for (Index b = 0; b < guidance.dim(0); ++b)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const double dy = static_cast<double>(rows[i] - rows[j]) / static_cast<double>(h),
                     dx = static_cast<double>(cols[i] - cols[j]) / static_cast<double>(w);
        const double place = dy * dy + dx * dx;
        const double k = double(o.w1) * std::exp(-place / (2 * double(o.alpha)) - distance(guidance, b, i, j) / (2 * double(o.beta))) +
                         double(o.w2) * std::exp(-place / (2 * double(o.gamma))) - double(o.shift);
        total += distance(features, b, i, j) * k;
      }
  return Tensor::full(Shape{}, static_cast<real>(total / static_cast<double>(guidance.dim(0)) / static_cast<double>(n * n)));
}

}  // namespace fu
