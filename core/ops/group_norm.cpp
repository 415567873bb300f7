#include "core/ops/group_norm.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

BandMoments::BandMoments(Index bands, Index channels) : values_({bands, 2, channels}), rows_(usize(bands), 0) {}

ChannelAffine BandMoments::group_affine(Index groups, const Tensor& weight, const Tensor& bias, real eps) const {
  const Index c = values_.dim(2), width = c / groups, bands = values_.dim(0);
  ChannelAffine affine{Tensor({c}), Tensor({c})};
  for (Index g = 0; g < groups; ++g) {
    double count = 0, total = 0, squares = 0;
    const auto each = [&](auto f) {
      for (Index b = 0; b < bands; ++b)
        for (Index i = g * width; i < (g + 1) * width; ++i)
          f(static_cast<double>(rows_[usize(b)]), static_cast<double>(values_.data()[2 * b * c + i]),
            static_cast<double>(values_.data()[(2 * b + 1) * c + i]));
    };
    each([&](double n, double mean, double) { count += n, total += n * mean; });
    const double mean = total / count;
    // The spread within bands, and that of the bands' means.
    each([&](double n, double m, double s) { squares += s + n * (m - mean) * (m - mean); });
    const double scale = 1 / std::sqrt(squares / count + static_cast<double>(eps));
    for (Index i = g * width; i < (g + 1) * width; ++i) {
      const double w = weight.size() ? static_cast<double>(weight.data()[i]) : 1,
                   b = bias.size() ? static_cast<double>(bias.data()[i]) : 0;
      affine.scale.data()[i] = static_cast<real>(scale * w);
      affine.shift.data()[i] = static_cast<real>(b - mean * scale * w);
    }
  }
  return affine;
}

ChannelAffine group_statistics(const real* x, Index n, Index channels, Index groups, const Tensor& weight,
                               const Tensor& bias, real eps) {
  BandMoments moments((n + kMomentRows - 1) / kMomentRows, channels);
  parallel_ranges(n, kMomentRows, [&](Index begin, Index end) {
    kernels().column_moments(x + begin * channels, moments.band(begin / kMomentRows, end - begin), end - begin,
                             channels);
  });
  return moments.group_affine(groups, weight, bias, eps);
}

Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Index groups, real eps) {
  const bool fits = x.rank() >= 2 && groups >= 1 && x.dim(-1) >= 1 && x.dim(-1) % groups == 0;
  require<ShapeError>(fits && weight.size() == bias.size() && (weight.size() == 0 || weight.size() == x.dim(-1)),
                      "[group_norm] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(), ", ", groups,
                      " groups: x must be (B,..,C) with C a multiple of the groups, weight and bias (C) or absent.");
  const Index c = x.dim(-1), n = x.shape().elements(1, x.rank() - 1);
  Tensor y(x.shape());
  if (n == 0) return y;
  for (Index b = 0; b < x.dim(0); ++b) {
    const real* in = x.data() + b * n * c;
    real* out = y.data() + b * n * c;
    const ChannelAffine affine = group_statistics(in, n, c, groups, weight, bias, eps);
    parallel_ranges(n, kMomentRows, [&](Index begin, Index end) {
      kernels().affine_rows(in + begin * c, affine.scale.data(), affine.shift.data(), Activation::none, out + begin * c,
                            end - begin, c);
    });
  }
  return y;
}

namespace {

/// dx = dy * p + x * q + r of one image.
struct GradientRows {
  std::vector<real> p, q, r;
  /// sums (2,C): of dy and of dy * normal, over all pixels; normal: the norm without weight and bias.
  GradientRows(const std::vector<double>& sums, const ChannelAffine& normal, const Tensor& weight, Index groups,
               Index n)
      : p(sums.size() / 2), q(p), r(p) {
    const Index c = static_cast<Index>(p.size()), width = c / groups;
    for (Index g = 0; g < groups; ++g) {
      // Means over the group of h = dy * weight, and of h * normal: what the norm removes.
      double mean = 0, along = 0;
      for (Index i = g * width; i < (g + 1) * width; ++i) {
        const double w = weight.size() ? static_cast<double>(weight.data()[i]) : 1;
        mean += w * sums[usize(i)] / static_cast<double>(n * width);
        along += w * sums[usize(c + i)] / static_cast<double>(n * width);
      }
      for (Index i = g * width; i < (g + 1) * width; ++i) {
        const double w = weight.size() ? static_cast<double>(weight.data()[i]) : 1,
                     s = static_cast<double>(normal.scale.data()[i]), t = static_cast<double>(normal.shift.data()[i]);
        p[usize(i)] = static_cast<real>(s * w);
        q[usize(i)] = static_cast<real>(-s * s * along);
        r[usize(i)] = static_cast<real>(-s * (mean + t * along));
      }
    }
  }
};

/// Sums over n pixels, in double over bands.
std::vector<double> gradient_sums(const real* x, const real* dy, const ChannelAffine& normal, Index n, Index c) {
  Tensor parts({(n + kMomentRows - 1) / kMomentRows, 2 * c});
  parallel_ranges(n, kMomentRows, [&](Index begin, Index end) {
    kernels().affine_rows_sums(x + begin * c, normal.scale.data(), normal.shift.data(), dy + begin * c,
                               parts.data() + begin / kMomentRows * 2 * c, end - begin, c);
  });
  std::vector<double> sums(usize(2 * c), 0);
  for (Index i = 0; i < parts.size(); ++i) sums[usize(i % (2 * c))] += static_cast<double>(parts.data()[i]);
  return sums;
}

}  // namespace

GroupNormGradients group_norm_backward(const Tensor& x, const Tensor& weight, const Tensor& dy, Index groups, real eps,
                                       bool wants_x) {
  const Index c = x.dim(-1), n = x.shape().elements(1, x.rank() - 1);
  GroupNormGradients g;
  if (wants_x) g.dx = Tensor(x.shape());
  std::vector<double> total(usize(2 * c), 0);
  for (Index b = 0; n > 0 && b < x.dim(0); ++b) {
    const real *in = x.data() + b * n * c, *grad = dy.data() + b * n * c;
    const ChannelAffine normal = group_statistics(in, n, c, groups, {}, {}, eps);
    const std::vector<double> sums = gradient_sums(in, grad, normal, n, c);
    for (std::size_t i = 0; i < sums.size(); ++i) total[i] += sums[i];
    if (!wants_x) continue;
    const GradientRows rows(sums, normal, weight, groups, n);
    real* out = g.dx.data() + b * n * c;
    parallel_ranges(n, kMomentRows, [&](Index begin, Index end) {
      kernels().affine_rows_backward(in + begin * c, grad + begin * c, rows.p.data(), rows.q.data(), rows.r.data(),
                                     out + begin * c, end - begin, c);
    });
  }
  if (weight.size() == 0) return g;
  g.dbias = Tensor({c}), g.dweight = Tensor({c});
  std::transform(total.begin(), total.begin() + c, g.dbias.data(), [](double v) { return static_cast<real>(v); });
  std::transform(total.begin() + c, total.end(), g.dweight.data(), [](double v) { return static_cast<real>(v); });
  return g;
}

}  // namespace fu
