// Windows of an image: their weighted sums, and the gradients of these.
#include "core/kernels/declare.h"
#include "core/kernels/weighted.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kRun = 64;  // places of a window handled at a time, with all channels

/// Where a window's first pixel lies in the images.
inline Index corner_of(const Windows& g, Index window) {
  const Index n = g.rows * g.cols, b = window / n, i = window % n / g.cols, j = window % n % g.cols;
  return ((b * g.h + g.row_start[i]) * g.w + g.col_start[j]) * g.c;
}

/// Distances of places [first, first + count) of a window from its corner.
inline void window_places(const Windows& g, Index first, Index count, Index* offset) {
  for (Index t = 0; t < count; ++t) offset[t] = ((first + t) / g.k * g.w + (first + t) % g.k) * g.c;
}

}  // namespace

void pool_windows(const real* x, const real* weights, real* y, const Windows& g) {
  const Index taps = g.k * g.k, n = g.rows * g.cols;
  parallel_for(g.batch * n, [&](Index window, int) {
    const real* corner = x + corner_of(g, window);
    real* out = y + window * g.c;
    for (Index t = 0; t < g.c; ++t) out[t] = 0;
    real part[kSumChunk];
    for (Index t0 = 0; t0 < taps; t0 += kRun) {
      const Index count = imin(kRun, taps - t0);
      Index offset[kRun];
      window_places(g, t0, count, offset);
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
    const real* corner = x + corner_of(g, window);
    Index offset[kRun];
    for (Index t0 = 0; t0 < taps; t0 += kRun) {
      const Index count = imin(kRun, taps - t0);
      window_places(g, t0, count, offset);
      dot_products(count, offset, corner, dy + window * g.c, g.c, dweights + window * taps + t0);
    }
  });
}

}  // namespace fu::FU_ISA
