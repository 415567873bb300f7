#include "featup/jbu/token_filter.h"

#include <vector>

#include "core/parallel.h"

namespace fu {

namespace {

/// features + share * residual; the share grows with the energy of a token's residual.
Tensor add_residuals(const TokenFilter& f, const Tensor& features, const Tensor& residual) {
  // Energies in double: squares of the largest features overflow a float.
  const Index c = features.dim(3), n = features.size() / c;
  std::vector<double> energy(usize(n));
  parallel_ranges(n, 64, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p)
      for (Index k = 0; k < c; ++k)
        energy[usize(p)] +=
            static_cast<double>(residual.data()[p * c + k]) * static_cast<double>(residual.data()[p * c + k]);
  });
  double noise = 0;  // mean energy times f.noise
  for (const double e : energy) noise += static_cast<double>(f.noise) * e / static_cast<double>(n);
  Tensor share({1, features.dim(1), features.dim(2), 1});
  for (Index p = 0; p < n; ++p) {
    const double e = energy[usize(p)];
    share.data()[p] = e > 0 ? static_cast<real>(static_cast<double>(f.strength) * e / (e + noise)) : 0;
  }
  return features + residual * share;
}

}  // namespace

bool TokenFilter::usable() const {
  return strength >= 0 && strength <= real(1e6) && noise >= 0 && noise <= real(1e6) && shrinkage >= 0 && shrinkage < 1;
}

Tensor TokenFilter::numbers() const {
  Tensor t({3});
  t.data()[0] = strength, t.data()[1] = noise, t.data()[2] = shrinkage;
  return t;
}

Tensor filter_tokens(const TokenFilter& f, const Tensor& features,
                     const std::function<Tensor(const Tensor&)>& first_level) {
  require<ShapeError>(features.rank() == 4 && features.dim(0) == 1 && features.size() > 0, "[token filter] features ",
                      features.shape(), ": must be (1,h,w,C).");
  const Tensor restored = f.strength > 0 ? add_residuals(f, features, features - first_level(features)) : features;
  if (f.shrinkage <= 0) return restored;
  const Index c = features.dim(3);
  const Tensor centre = mean(restored.reshape({features.size() / c, c}), 0).reshape({c});
  return unary(Unary::affine, restored, 1 - f.shrinkage) + unary(Unary::affine, centre, f.shrinkage);
}

}  // namespace fu
