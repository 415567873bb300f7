#include "featup/token_filter.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/resample.h"

namespace fu {

namespace {

constexpr Index kTile = 16, kColors = 3;
constexpr real kDeviation[kColors] = {real(0.229), real(0.224), real(0.225)};  // of normalised photos: see normalize()

/// What patches look like: (h*w, 4), mean colours and the deviation within, each divided by the width of its Gaussian.
Tensor looks_of(const TokenFilter& f, const Tensor& photo, Index h, Index w) {
  const Tensor mean = adaptive_avg_pool(photo, h, w), squares = adaptive_avg_pool(unary(Unary::square, photo), h, w);
  Tensor looks({h * w, kColors + 1});
  for (Index p = 0; p < h * w; ++p) {
    real variance = 0;
    for (Index c = 0; c < kColors; ++c) {
      const real m = mean.data()[p * kColors + c], d = kDeviation[c];
      looks.data()[p * (kColors + 1) + c] = m * d / f.color;
      variance += std::max(real(0), squares.data()[p * kColors + c] - m * m) * d * d;
    }
    looks.data()[p * (kColors + 1) + kColors] = std::sqrt(variance) / f.texture;
  }
  return looks;
}

/// Features about their mean, so that the mean square of a token is 1 / width^2: (1,h,w,C). Where all are alike, zeros.
Tensor keys_of(const TokenFilter& f, const Tensor& features) {
  const Index c = features.dim(3), n = features.size() / c;
  const Tensor centred = features - mean(features.reshape({n, c}), 0).reshape({c});
  const real square = sum(unary(Unary::square, centred)).item() / static_cast<real>(n);
  return unary(Unary::affine, centred, square > 0 ? 1 / (f.features * std::sqrt(square)) : 0);
}

/// Rows [top, bottom) and columns [left, right) of a map (1,h,w,C), as rows of a matrix.
Tensor part_of(const Tensor& map, Index top, Index bottom, Index left, Index right) {
  return slice(slice(map, 1, top, bottom), 2, left, right).reshape({(bottom - top) * (right - left), map.dim(3)});
}

}  // namespace

Tensor TokenFilter::numbers() const {
  Tensor t({6});
  std::copy_n(std::begin({place, color, texture, features, strength, noise}), 6, t.data());
  return t;
}

TokenFilter TokenFilter::from(const Tensor& t) {
  require<ShapeError>(t.size() == 6, "[token filter] ", t.shape(), ": must be six numbers.");
  const real* v = t.data();
  return {v[0], v[1], v[2], v[3], v[4], v[5]};
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
  const Index c = features.dim(3), n = features.size() / c;
  const Tensor energy = sum(unary(Unary::square, residual), 3);
  const real floor = f.noise * mean(energy).item();
  Tensor share(energy.shape());
  for (Index p = 0; p < n; ++p) {
    const real e = energy.data()[p];
    share.data()[p] = e > 0 ? f.strength * e / (e + floor) : 0;
  }
  return averaged + residual * share;
}

}  // namespace fu
