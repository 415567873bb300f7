#include "featup/token_filter.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "core/resample.h"
#include "featup/preprocess.h"

namespace fu {

namespace {

constexpr Index kTile = 16, kColors = 3;

/// What patches look like: (h*w, 4), mean colours and the deviation within, each divided by the width of its Gaussian.
Tensor looks_of(const TokenFilter& f, const Tensor& given, Index h, Index w) {
  const Index k = patch_pixels(h, w);
  const real deviation[kColors] = {real(kPhotoDeviation[0]), real(kPhotoDeviation[1]), real(kPhotoDeviation[2])};  // back to the range of 1
  const Tensor photo = given.dim(1) == k * h && given.dim(2) == k * w ? given : resize_triangle(given, k * h, k * w);
  Tensor looks({h * w, kColors + 1});
  parallel_ranges(h * w, 64, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      const real* corner = photo.data() + (p / w * k * w + p % w) * k * kColors;
      real mean[kColors] = {}, variance = 0;
      const auto each = [&](const auto& look) {
        for (Index i = 0; i < k; ++i)
          for (Index j = 0; j < k * kColors; ++j) look(corner[i * k * w * kColors + j], j % kColors);
      };
      each([&](real v, Index c) { mean[c] += v; });
      for (real& m : mean) m /= static_cast<real>(k * k);
      each([&](real v, Index c) { variance += (v - mean[c]) * (v - mean[c]) * deviation[c] * deviation[c]; });
      real* out = looks.data() + p * (kColors + 1);
      for (Index c = 0; c < kColors; ++c) out[c] = mean[c] * deviation[c] / f.color;
      out[kColors] = std::sqrt(variance / static_cast<real>(k * k)) / f.texture;
    }
  });
  return looks;
}

/// Weights of tokens along an axis of n, by their distance from each: a Gaussian, cut at three widths and at the ends.
AxisMap blur_axis(Index n, real width) {
  const Index reach = std::min(n - 1, static_cast<Index>(std::ceil(3 * width)));
  AxisMap map(n, n);
  for (Index i = 0; i < n; ++i) {
    const Index low = std::max<Index>(0, i - reach), high = std::min(n - 1, i + reach);
    double sum = 0;
    const auto weight = [&](Index j) { return std::exp(-std::pow(static_cast<double>(j - i) / static_cast<double>(width), 2) / 2); };
    for (Index j = low; j <= high; ++j) sum += weight(j);
    for (Index j = low; j <= high; ++j) map.add(j, static_cast<real>(weight(j) / sum));
    map.end_row();
  }
  return map;
}

/// Features, blurred, about their mean, so that the mean square of a token is 1 / width^2: (1,h,w,C). Where all are alike, zeros.
Tensor keys_of(const TokenFilter& f, const Tensor& given) {
  const Tensor features = f.blur > 0 ? resample(given, blur_axis(given.dim(1), f.blur), blur_axis(given.dim(2), f.blur)) : given;
  const Index c = features.dim(3), n = features.size() / c;
  const Tensor centred = features - mean(features.reshape({n, c}), 0).reshape({c});
  const real square = sum(unary(Unary::square, centred)).item() / static_cast<real>(n);
  return unary(Unary::affine, centred, square > 0 ? 1 / (f.features * std::sqrt(square)) : 0);
}

/// Rows [top, bottom) and columns [left, right) of a map (1,h,w,C), as rows of a matrix.
Tensor part_of(const Tensor& map, Index top, Index bottom, Index left, Index right) {
  const Index c = map.dim(3), row = (right - left) * c;
  Tensor part({(bottom - top) * (right - left), c});
  for (Index i = top; i < bottom; ++i) std::copy_n(map.data() + (i * map.dim(2) + left) * c, row, part.data() + (i - top) * row);
  return part;
}

}  // namespace

Index patch_pixels(Index h, Index w) {
  constexpr Index kMost = Index{1} << 22;
  Index k = 16;
  while (k > 2 && k * k * h * w > kMost) --k;
  return k;
}

bool TokenFilter::usable() const {
  const auto within = [](real v, real least) { return v >= least && v <= real(1e6); };
  constexpr auto kLeast = real(1e-3);
  return (place == 0 || within(place, kLeast)) && within(color, kLeast) && within(texture, kLeast) && within(features, kLeast) &&
         within(strength, 0) && within(noise, 0) && (blur == 0 || within(blur, kLeast));
}

Tensor TokenFilter::numbers() const {
  Tensor t({7});
  std::copy_n(std::begin({place, color, texture, features, strength, noise, blur}), 7, t.data());
  return t;
}

TokenFilter TokenFilter::from(const Tensor& t) {
  require<ShapeError>(t.size() == 7, "[token filter] ", t.shape(), ": must be seven numbers.");
  const real* v = t.data();
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6]};
}

Tensor average_like_tokens(const TokenFilter& f, const Tensor& features, const Tensor& photo) {
  require<ShapeError>(features.rank() == 4 && features.dim(0) == 1 && photo.rank() == 4 && photo.dim(0) == 1 && photo.dim(3) == kColors,
                      "[token filter] features ", features.shape(), ", photo ", photo.shape(), ": must be (1,h,w,C) and (1,H,W,3).");
  if (f.place <= 0) return features;
  const Index h = features.dim(1), w = features.dim(2), c = features.dim(3);
  const Tensor looks = looks_of(f, photo, h, w), keys = keys_of(f, features);
  Tensor norms({h * w});  // half of the keys' squares
  parallel_ranges(h * w, 64, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      real s = 0;
      for (Index k = 0; k < c; ++k) s += keys.data()[p * c + k] * keys.data()[p * c + k];
      norms.data()[p] = s / 2;
    }
  });
  const real per_place = 1 / (2 * f.place * f.place);
  Tensor out(features.shape());
  // A tile of tokens and all that any of them looks at: dense products, at a cost that grows with the number of tiles.
  for (Index i0 = 0; i0 < h; i0 += kTile)
    for (Index j0 = 0; j0 < w; j0 += kTile) {
      const Index i1 = std::min(h, i0 + kTile), j1 = std::min(w, j0 + kTile), top = std::max<Index>(0, i0 - kTokenReach),
                  bottom = std::min(h, i1 + kTokenReach), left = std::max<Index>(0, j0 - kTokenReach), right = std::min(w, j1 + kTokenReach);
      const Index across = right - left, seen = (bottom - top) * across, tile_w = j1 - j0;
      Tensor scores = matmul(part_of(keys, i0, i1, j0, j1), part_of(keys, top, bottom, left, right), false, true);
      parallel_ranges(scores.dim(0), 8, [&](Index begin, Index end) {
        for (Index q = begin; q < end; ++q) {
          const Index i = i0 + q / tile_w, j = j0 + q % tile_w;
          const real* own = looks.data() + (i * w + j) * (kColors + 1);
          for (Index s = 0; s < seen; ++s) {
            const Index y = top + s / across, x = left + s % across, token = y * w + x;
            real& score = scores.data()[q * seen + s];
            if (std::abs(y - i) > kTokenReach || std::abs(x - j) > kTokenReach) {
              score = real(-1e30);
              continue;
            }
            real distance = 0;  // doubled, of the looks
            for (Index k = 0; k <= kColors; ++k) {
              const real d = own[k] - looks.data()[token * (kColors + 1) + k];
              distance += d * d;
            }
            // Minus |key - key'|^2 / 2 is their product but for their norms, of which softmax ignores the token's own.
            score -= norms.data()[token] + distance / 2 + static_cast<real>((y - i) * (y - i) + (x - j) * (x - j)) * per_place;
          }
        }
      });
      const Tensor means = matmul(softmax(scores, 1), part_of(features, top, bottom, left, right));
      for (Index i = i0; i < i1; ++i) std::copy_n(means.data() + (i - i0) * tile_w * c, tile_w * c, out.data() + (i * w + j0) * c);
    }
  return out;
}

Tensor filter_tokens(const TokenFilter& f, const Tensor& features, const Tensor& photo, const std::function<Tensor(const Tensor&)>& smooth) {
  const Tensor averaged = average_like_tokens(f, features, photo);
  if (f.strength <= 0) return averaged;
  const Tensor residual = features - smooth(averaged);
  // Energies in double: squares of the largest features would not fit.
  const Index c = features.dim(3), n = features.size() / c;
  std::vector<double> energy(static_cast<std::size_t>(n));
  parallel_ranges(n, 64, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p)
      for (Index k = 0; k < c; ++k)
        energy[static_cast<std::size_t>(p)] += static_cast<double>(residual.data()[p * c + k]) * static_cast<double>(residual.data()[p * c + k]);
  });
  double floor = 0;
  for (const double e : energy) floor += static_cast<double>(f.noise) * e / static_cast<double>(n);
  Tensor share({1, features.dim(1), features.dim(2), 1});
  for (Index p = 0; p < n; ++p) {
    const double e = energy[static_cast<std::size_t>(p)];
    share.data()[p] = e > 0 ? static_cast<real>(static_cast<double>(f.strength) * e / (e + floor)) : 0;
  }
  return averaged + residual * share;
}

}  // namespace fu
