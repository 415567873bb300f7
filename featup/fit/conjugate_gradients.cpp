#include "featup/fit/conjugate_gradients.h"

#include "core/ops.h"
#include "core/parallel.h"

namespace fu {

namespace {

/// out[k] = sum over positions n of scale[n] a[n,k] b[n,k]; without scale, scale[n] = 1.
void channel_products(const Tensor& a, const Tensor& b, const std::vector<real>* scale, std::vector<double>& out) {
  const Index c = a.dim(3), cells = a.size() / c;
  parallel_ranges(c, 16, [&](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) out[usize(k)] = 0;
    for (Index n = 0; n < cells; ++n)
      for (Index k = begin; k < end; ++k)
        out[usize(k)] += static_cast<double>(a.data()[n * c + k]) * static_cast<double>(b.data()[n * c + k]) *
                         static_cast<double>(scale ? (*scale)[usize(n)] : 1);
  });
}

/// a / b for each channel; 0 where b is not positive, so that a channel that is solved stays.
std::vector<real> ratios(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<real> out(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) out[k] = b[k] > 0 ? static_cast<real>(a[k] / b[k]) : 0;
  return out;
}

}  // namespace

Tensor conjugate_gradients(const std::function<Tensor(const Tensor&)>& apply, const Tensor& right, const Tensor& start,
                           const std::vector<real>& inverse_diagonal, int iterations) {
  const Index c = right.dim(3), cells = right.size() / c;
  Tensor x = start.clone(), residual = right - apply(x), direction = Tensor::zeros(x.shape());
  std::vector<double> before(usize(c)), energy(before), curvature(before);  // of each channel
  for (int step = 0; step < iterations; ++step) {
    channel_products(residual, residual, &inverse_diagonal, energy);
    const std::vector<real> keep = ratios(energy, before);  // before is 0 at the first step
    parallel_ranges(cells, 64, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        for (Index k = 0; k < c; ++k) {
          real& d = direction.data()[n * c + k];
          d = inverse_diagonal[usize(n)] * residual.data()[n * c + k] + keep[usize(k)] * d;
        }
    });
    before = energy;
    const Tensor image = apply(direction);
    channel_products(direction, image, nullptr, curvature);
    const std::vector<real> length = ratios(energy, curvature);
    parallel_ranges(cells, 64, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        for (Index k = 0; k < c; ++k) {
          x.data()[n * c + k] += length[usize(k)] * direction.data()[n * c + k];
          residual.data()[n * c + k] -= length[usize(k)] * image.data()[n * c + k];
        }
    });
  }
  return x;
}

}  // namespace fu
