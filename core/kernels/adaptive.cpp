// Adaptive convolution (one kernel for each output pixel) and its gradients; sums of gathered rows.
#include "core/kernels/declare.h"
#include "core/kernels/weighted.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

// Neighbouring pixels are computed together, some channels at a time: the vectors that they share stay in the
// first-level cache.
constexpr Index kPixels = 32;
constexpr Index kMaxRadius = 5, kMaxTaps = 11 * 11;
constexpr Index kCapacity = 4096;  // entries in the lists of Receivers

/// reflect() without a division, for i no further outside than the axis is long.
inline Index mirror(Index i, Index n) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; }

/// i itself and the positions outside [0, n), at most `radius` from it, that are reflected into i. Returns their count.
Index images_of(Index i, Index n, Index radius, Index (&out)[3]) {
  Index count = 0;
  out[count++] = i;
  if (i > 0 && i <= radius) out[count++] = -i;
  if (i < n - 1 && 2 * (n - 1) - i < n + radius) out[count++] = 2 * (n - 1) - i;
  return count;
}

/// Prefetches c reals into the second-level cache; WRITE = 1: because they will be written.
template <int WRITE>
inline void prefetch(const real* p, Index c) {
  for (Index i = 0; i < c; i += 64 / static_cast<Index>(sizeof(real))) __builtin_prefetch(p + i, WRITE, 2);
}

/// Cuts images into strips so narrow that the 2 * radius + 2 rows around one row of a strip fit the second-level cache,
/// and calls f(image, row, first pixel, end) for the rows of each from top to bottom. The next row then finds the rows
/// that it shares with this one in that cache.
template <class F>
void for_rows_of_strips(Index b, Index h, Index w, Index c, Index radius, const F& f) {
  constexpr Index kCache = 400000 / static_cast<Index>(sizeof(real)), kBand = 28;
  const Index fitting = imax(8, kCache / imax(1, (2 * radius + 2) * c) - 2 * radius), strips = ceil_div(w, fitting),
              width = ceil_div(w, imax(1, strips));
  const Index bands = ceil_div(h, kBand);
  parallel_for(b * strips * bands, [&](Index task) {
    const Index image = task / (strips * bands), band = task % (strips * bands) / strips, j0 = task % strips * width;
    for (Index i = band * kBand; i < imin(h, (band + 1) * kBand); ++i) f(image, i, j0, imin(w, j0 + width));
  });
}

/// Offsets of the neighbours of the pixels of a row, reflected at the image's borders. For pixels further than the
/// radius from the borders they are the same relative to the pixel, and computed once.
class Neighborhood {
 public:
  Neighborhood(Index image, Index i, Index h, Index w, Index c, Index radius)
      : w_(w), c_(c), radius_(radius), d_(2 * radius + 1) {
    for (Index u = 0; u < d_; ++u) {
      line_[u] = (image * h + mirror(i + u - radius, h)) * w;
      for (Index v = 0; v < d_; ++v) inner_[u * d_ + v] = (line_[u] + v - radius) * c;
    }
  }
  /// Offsets of pixel j's neighbours from x + base(j).
  const Index* offsets(Index j) {
    if (inside(j)) return inner_;
    for (Index u = 0; u < d_; ++u)
      for (Index v = 0; v < d_; ++v) edge_[u * d_ + v] = (line_[u] + mirror(j + v - radius_, w_)) * c_;
    return edge_;
  }
  Index base(Index j) const { return inside(j) ? j * c_ : 0; }

 private:
  bool inside(Index j) const { return j >= radius_ && j + radius_ < w_; }
  Index w_, c_, radius_, d_;
  Index line_[2 * kMaxRadius + 1], inner_[kMaxTaps], edge_[kMaxTaps];
};

}  // namespace

void adaptive_conv(const real* x, const real* k, real* y, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  for_rows_of_strips(b, h, w, c, radius, [&](Index n, Index i, Index begin, Index end) {
    // ahead: the row that the next row needs and this one does not
    const Index row = n * h + i, ahead = n * h + mirror(imin(i + radius + 1, h + radius - 1), h);
    Neighborhood around(n, i, h, w, c, radius);
    for (Index c0 = 0; c0 < c; c0 += kSumChunk)
      for (Index j = begin; j < end; ++j) {
        const Index stop = imin(c, c0 + kSumChunk);
        real* out = y + (row * w + j) * c;
        prefetch<0>(x + (ahead * w + j) * c + c0, stop - c0);
        prefetch<1>(out + (row + 1 < b * h ? w * c : 0) + c0, stop - c0);
        weighted_sum(taps, k + (row * w + j) * taps, around.offsets(j), x + around.base(j), c0, stop, c, out);
      }
  });
}

namespace {

/// For each of some neighbouring pixels of a row: the output pixels that read it, and the weights they give it.
class Receivers {
 public:
  Receivers(const real* k, Index image, Index i, Index h, Index w, Index c, Index radius)
      : k_(k), first_row_(image * h), i_(i), h_(h), w_(w), c_(c), radius_(radius), d_(2 * radius + 1), taps_(d_ * d_) {
    for (Index u = 0; u < d_; ++u)
      for (Index q = 0; q < d_; ++q) inner_[u * d_ + q] = ((first_row_ + i + radius - u) * w + q - radius) * c;
  }
  /// Makes the lists of pixels from j0 on, before `end`, as many as fit; returns how many.
  Index take(Index j0, Index end) {
    start_[0] = 0;
    base_ = j0;
    inside_ = i_ > radius_ && i_ + radius_ + 1 < h_ && j0 > radius_ && j0 + radius_ + 1 < w_;
    return inside_ ? take_inner(imin(imin(kPixels, kCapacity / taps_), imin(end, w_ - radius_ - 1) - j0))
                   : take_border(end);
  }
  Index count(Index p) const { return start_[p + 1] - start_[p]; }
  const real* weights(Index p) const { return weight_ + start_[p]; }
  const Index* offsets(Index p) const { return inside_ ? inner_ : offset_ + start_[p]; }
  Index base(Index p) const { return inside_ ? (base_ + p) * c_ : 0; }

 private:
  /// Away from the borders every pixel is read once by each neighbour, at the same relative offsets. The weights that
  /// one pixel receives are far apart in memory, so the loop follows the order of the kernels and distributes their
  /// weights.
  Index take_inner(Index pixels) {
    for (Index u = 0; u < d_; ++u)
      for (Index from = -radius_; from < pixels + radius_; ++from) {
        const real* kernel = k_ + ((first_row_ + i_ + radius_ - u) * w_ + base_ + from) * taps_ + u * d_;
        // This kernel gives its weight v to pixel from + v - radius, which counts it as its neighbour d - 1 - v.
        for (Index v = imax(0, radius_ - from); v < imin(d_, pixels + radius_ - from); ++v)
          weight_[(from + v - radius_) * taps_ + u * d_ + d_ - 1 - v] = kernel[v];
      }
    for (Index p = 0; p < pixels; ++p) start_[p + 1] = (p + 1) * taps_;
    return pixels;
  }
  /// Near a border a pixel is also read as its reflections: on a small image, from up to three positions on each axis.
  Index take_border(Index end) {
    Index rows[3], cols[3], t = 0, p = 0;
    const Index row_images = images_of(i_, h_, radius_, rows);
    const bool row_inside = i_ > radius_ && i_ + radius_ + 1 < h_;
    for (; p < kPixels && base_ + p < end && t + 9 * taps_ <= kCapacity; start_[++p] = t) {
      const Index j = base_ + p;
      if (p > 0 && row_inside && j > radius_ && j + radius_ + 1 < w_) break;  // take_inner does the rest
      const Index col_images = images_of(j, w_, radius_, cols);
      for (Index a = 0; a < row_images; ++a)
        for (Index u = imax(0, rows[a] + radius_ - h_ + 1); u < imin(d_, rows[a] + radius_ + 1); ++u)
          for (Index e = 0; e < col_images; ++e)
            for (Index v = imax(0, cols[e] + radius_ - w_ + 1); v < imin(d_, cols[e] + radius_ + 1); ++v) {
              const Index from = (first_row_ + rows[a] + radius_ - u) * w_ + cols[e] + radius_ - v;
              offset_[t] = from * c_;
              weight_[t++] = k_[from * taps_ + u * d_ + v];
            }
    }
    return p;
  }

  const real* k_;
  Index first_row_, i_, h_, w_, c_, radius_, d_, taps_, base_ = 0;
  bool inside_ = false;
  Index inner_[kMaxTaps], start_[kPixels + 1], offset_[kCapacity];
  real weight_[kCapacity];
};

}  // namespace

void adaptive_conv_backward_input(const real* k, const real* dy, real* dx, Index b, Index h, Index w, Index c,
                                  Index radius) {
  for_rows_of_strips(b, h, w, c, radius, [&](Index n, Index i, Index begin, Index end) {
    const Index row = n * h + i, ahead = n * h + imin(i + radius + 1, h - 1);
    Receivers receivers(k, n, i, h, w, c, radius);
    for (Index j0 = begin; j0 < end;) {
      const Index pixels = receivers.take(j0, end);
      for (Index c0 = 0; c0 < c; c0 += kSumChunk)
        for (Index p = 0; p < pixels; ++p) {
          const Index stop = imin(c, c0 + kSumChunk);
          real* out = dx + (row * w + j0 + p) * c;
          prefetch<0>(dy + (ahead * w + j0 + p) * c + c0, stop - c0);
          prefetch<1>(out + (row + 1 < b * h ? w * c : 0) + c0, stop - c0);
          weighted_sum(receivers.count(p), receivers.weights(p), receivers.offsets(p), dy + receivers.base(p), c0, stop,
                       c, out);
        }
      j0 += pixels;
    }
  });
}

void adaptive_conv_backward_kernels(const real* x, const real* dy, real* dk, Index b, Index h, Index w, Index c,
                                    Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  for_rows_of_strips(b, h, w, c, radius, [&](Index n, Index i, Index begin, Index end) {
    Neighborhood around(n, i, h, w, c, radius);
    for (Index j = begin; j < end; ++j) {
      const Index pixel = (n * h + i) * w + j;
      // Two pixels side by side share most of their neighbours.
      if (c >= 8 * kLanes && j >= radius && j + 1 < end && j + 1 + radius < w) {
        for (Index u = 0; u < d; ++u)
          dot_pair_row(x + around.base(j) + around.offsets(j)[u * d], dy + pixel * c, c, d, dk + pixel * taps + u * d,
                       dk + (pixel + 1) * taps + u * d);
        ++j;
        continue;
      }
      dot_products(taps, around.offsets(j), x + around.base(j), dy + pixel * c, c, dk + pixel * taps);
    }
  });
}

void gather_rows(const real* x, const std::int32_t* index, const real* weight, Index taps, real* y, Index n, Index c) {
  parallel_ranges(n, imax(1, 65536 / imax(1, taps * c)), [&](Index begin, Index end) {
    constexpr Index kMost = 64;
    Index offset[kMost];
    for (Index i = begin; i < end; ++i) {
      for (Index t = 0; t < taps; ++t) offset[t] = static_cast<Index>(index[i * taps + t]) * c;
      weighted_sum(taps, weight + i * taps, offset, x, 0, c, c, y + i * c);
    }
  });
}

}  // namespace fu::FU_ISA
