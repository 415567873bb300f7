// Sums of feature vectors with weights of their own at every place: adaptive convolution, pooling of windows, and their gradients.
#include "core/kernels/declare.h"
#include "core/kernels/weighted.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kPixels = 4;  // neighbouring pixels that are worked on together: what they share is read from the first-level cache
constexpr Index kMaxTaps = 11 * 11;

/// reflect() for places no further out than the axis is long: no division.
inline Index mirror(Index i, Index n) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; }

/// The places that reflect into i, besides i itself, within `radius` of [0, n).
Index images_of(Index i, Index n, Index radius, Index (&out)[3]) {
  Index count = 0;
  out[count++] = i;
  if (i > 0 && i <= radius) out[count++] = -i;
  if (i < n - 1 && 2 * (n - 1) - i < n + radius) out[count++] = 2 * (n - 1) - i;
  return count;
}

}  // namespace

void adaptive_conv(const real* x, const real* k, real* y, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  parallel_for(b * h, [&](Index row, int) {
    const Index n = row / h, i = row % h;
    Index offset[kPixels][kMaxTaps];
    for (Index j0 = 0; j0 < w; j0 += kPixels) {
      const Index pixels = imin(kPixels, w - j0);
      for (Index p = 0; p < pixels; ++p)
        for (Index u = 0; u < d; ++u)
          for (Index v = 0; v < d; ++v) offset[p][u * d + v] = ((n * h + mirror(i + u - radius, h)) * w + mirror(j0 + p + v - radius, w)) * c;
      for (Index c0 = 0; c0 < c; c0 += kSumChunk)
        for (Index p = 0; p < pixels; ++p)
          weighted_sum(taps, k + (row * w + j0 + p) * taps, offset[p], x, c0, imin(c, c0 + kSumChunk), c, y + (row * w + j0 + p) * c);
    }
  });
}

void adaptive_conv_backward_input(const real* k, const real* dy, real* dx, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  parallel_for(b * h, [&](Index row, int) {
    const Index n = row / h, i = row % h;
    // A pixel at a corner is read as itself, and as up to three reflections on either axis.
    Index offset[kPixels][9 * kMaxTaps];
    real weight[kPixels][9 * kMaxTaps];
    Index count[kPixels];
    Index rows[3], cols[3];
    const Index row_images = images_of(i, h, radius, rows);
    for (Index j0 = 0; j0 < w; j0 += kPixels) {
      const Index pixels = imin(kPixels, w - j0);
      for (Index p = 0; p < pixels; ++p) {
        Index t = 0;
        const Index col_images = images_of(j0 + p, w, radius, cols);
        for (Index a = 0; a < row_images; ++a)
          for (Index u = imax(0, rows[a] + radius - h + 1); u < imin(d, rows[a] + radius + 1); ++u)
            for (Index e = 0; e < col_images; ++e)
              for (Index v = imax(0, cols[e] + radius - w + 1); v < imin(d, cols[e] + radius + 1); ++v) {
                const Index from = (n * h + rows[a] + radius - u) * w + cols[e] + radius - v;
                offset[p][t] = from * c;
                weight[p][t++] = k[from * taps + u * d + v];
              }
        count[p] = t;
      }
      for (Index c0 = 0; c0 < c; c0 += kSumChunk)
        for (Index p = 0; p < pixels; ++p)
          weighted_sum(count[p], weight[p], offset[p], dy, c0, imin(c, c0 + kSumChunk), c, dx + (row * w + j0 + p) * c);
    }
  });
}

void adaptive_conv_backward_kernels(const real* x, const real* dy, real* dk, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  parallel_for(b * h, [&](Index row, int) {
    const Index n = row / h, i = row % h;
    Index offset[kMaxTaps];
    for (Index j = 0; j < w; ++j) {
      for (Index u = 0; u < d; ++u)
        for (Index v = 0; v < d; ++v) offset[u * d + v] = ((n * h + mirror(i + u - radius, h)) * w + mirror(j + v - radius, w)) * c;
      dot_products(taps, offset, x, dy + (row * w + j) * c, c, dk + (row * w + j) * taps);
    }
  });
}

void pool_windows(const real* x, const real* weights, real* y, const Windows& g) {
  const Index taps = g.k * g.k, n = g.rows * g.cols;
  constexpr Index kRun = 64;  // places of a window handled at a time, with all channels
  parallel_for(g.batch * n, [&](Index window, int) {
    const Index b = window / n, i = window % n / g.cols, j = window % n % g.cols;
    const real* corner = x + ((b * g.h + g.row_start[i]) * g.w + g.col_start[j]) * g.c;
    real* out = y + window * g.c;
    for (Index t = 0; t < g.c; ++t) out[t] = 0;
    real part[kSumChunk];
    for (Index t0 = 0; t0 < taps; t0 += kRun) {
      const Index count = imin(kRun, taps - t0);
      Index offset[kRun];
      for (Index t = 0; t < count; ++t) offset[t] = ((t0 + t) / g.k * g.w + (t0 + t) % g.k) * g.c;
      for (Index c0 = 0; c0 < g.c; c0 += kSumChunk) {
        const Index channels = imin(kSumChunk, g.c - c0);
        weighted_sum(count, weights + window * taps + t0, offset, corner + c0, 0, channels, channels, part);
        for (Index t = 0; t < channels; ++t) out[c0 + t] += part[t];
      }
    }
  });
}

void pool_windows_backward_input(const real* weights, const real* dy, real* dx, const Windows& g) {
  const Index taps = g.k * g.k;
  parallel_for(g.batch * g.h, [&](Index row, int) {
    const Index b = row / g.h, y = row % g.h;
    constexpr Index kMost = 64;  // windows over a pixel, as many at a time
    Index first = 0, last = 0;   // rows of windows that cover this row of pixels
    while (first < g.rows && g.row_start[first] + g.k <= y) ++first;
    for (last = first; last < g.rows && g.row_start[last] <= y;) ++last;
    real part[kSumChunk];
    for (Index x = 0; x < g.w; ++x) {
      real* out = dx + (row * g.w + x) * g.c;
      for (Index t = 0; t < g.c; ++t) out[t] = 0;
      Index left = 0, right = 0, count = 0;
      while (left < g.cols && g.col_start[left] + g.k <= x) ++left;
      for (right = left; right < g.cols && g.col_start[right] <= x;) ++right;
      real weight[kMost];
      Index offset[kMost];
      const auto flush = [&] {
        for (Index c0 = 0; count > 0 && c0 < g.c; c0 += kSumChunk) {
          const Index channels = imin(kSumChunk, g.c - c0);
          weighted_sum(count, weight, offset, dy + c0, 0, channels, channels, part);
          for (Index t = 0; t < channels; ++t) out[c0 + t] += part[t];
        }
        count = 0;
      };
      for (Index i = first; i < last; ++i)
        for (Index j = left; j < right; ++j) {
          const Index window = (b * g.rows + i) * g.cols + j;
          weight[count] = weights[window * taps + (y - g.row_start[i]) * g.k + x - g.col_start[j]];
          offset[count++] = window * g.c;
          if (count == kMost) flush();
        }
      flush();
    }
  });
}

void pool_windows_backward_weights(const real* x, const real* dy, real* dweights, const Windows& g) {
  const Index taps = g.k * g.k, n = g.rows * g.cols;
  parallel_for(g.batch * n, [&](Index window, int) {
    const Index b = window / n, i = window % n / g.cols, j = window % n % g.cols;
    const real* corner = x + ((b * g.h + g.row_start[i]) * g.w + g.col_start[j]) * g.c;
    constexpr Index kRun = 64;
    Index offset[kRun];
    for (Index t0 = 0; t0 < taps; t0 += kRun) {
      const Index count = imin(kRun, taps - t0);
      for (Index t = 0; t < count; ++t) offset[t] = ((t0 + t) / g.k * g.w + (t0 + t) % g.k) * g.c;
      dot_products(count, offset, corner, dy + window * g.c, g.c, dweights + window * taps + t0);
    }
  });
}

void gather_rows(const real* x, const std::int32_t* index, const real* weight, Index taps, real* y, Index n, Index c) {
  parallel_ranges(n, imax(1, 65536 / imax(1, taps * c)), [&](Index begin, Index end) {
    constexpr Index kMost = 64;
    for (Index i = begin; i < end; ++i) {
      Index offset[kMost];
      for (Index t = 0; t < taps; ++t) offset[t] = static_cast<Index>(index[i * taps + t]) * c;
      weighted_sum(taps, weight + i * taps, offset, x, 0, c, c, y + i * c);
    }
  });
}

}  // namespace fu::FU_ISA
