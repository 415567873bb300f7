// Kernels that move along rows and columns of an image: patches for convolution, resampling by a sparse map, adaptive convolution.
#include "core/kernels/declare.h"
#include "core/kernels/simd.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

void im2col(const real* x, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad, Index row_begin, Index row_end, real* patches) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1, patch = kh * kw * c;
  parallel_for(row_end - row_begin, [&](Index chunk, int) {
    const Index row = row_begin + chunk, b = row / ho, i = row % ho;
    real* out = patches + chunk * wo * patch;
    for (Index j = 0; j < wo; ++j)
      for (Index u = 0; u < kh; ++u) {
        const Index y = i * stride + u - pad;
        for (Index v = 0; v < kw; ++v, out += c) {
          const Index q = j * stride + v - pad;
          const bool inside = y >= 0 && y < h && q >= 0 && q < w;
          const real* in = x + ((b * h + y) * w + q) * c;
          for (Index t = 0; t < c; ++t) out[t] = inside ? in[t] : 0;
        }
      }
  });
}

void resample_axis(const real* x, real* y, Index outer, Index inner, const AxisRows& map) {
  // Long inner runs are cut, so that the rows of x which several outputs share stay in the cache.
  const Index run = imin(inner, 4096), runs = ceil_div(inner, imax(1, run));
  const Index rows = imax(1, 8192 / imax(1, run)), row_tasks = ceil_div(map.n_out, rows);
  parallel_for(outer * runs * row_tasks, [&](Index task, int) {
    const Index o = task / (runs * row_tasks), c0 = task / row_tasks % runs * run, c1 = imin(c0 + run, inner);
    const Index i0 = task % row_tasks * rows, i1 = imin(i0 + rows, map.n_out);
    for (Index i = i0; i < i1; ++i) {
      real* out = y + (o * map.n_out + i) * inner;
      const Index e0 = map.offset[i], e1 = map.offset[i + 1];
      if (inner < kLanes) {  // a colour, say: too short for a vector
        for (Index c = 0; c < inner; ++c) {
          real total = 0;
          for (Index e = e0; e < e1; ++e) total += map.weight[e] * x[(o * map.n_in + map.index[e]) * inner + c];
          out[c] = total;
        }
        continue;
      }
      for (Index c = c0; c < c1; c += kLanes) {
        const Index lanes = imin(kLanes, c1 - c);
        Vec total{};
        for (Index e = e0; e < e1; ++e) total += map.weight[e] * load_n(x + (o * map.n_in + map.index[e]) * inner + c, lanes);
        store_n(out + c, total, lanes);
      }
    }
  });
}

void adaptive_conv(const real* x, const real* k, real* y, Index b, Index h, Index w, Index c, Index radius) {
  const Index d = 2 * radius + 1, taps = d * d;
  constexpr Index kVectors = 6;
  parallel_for(b * h, [&](Index row, int) {
    const Index n = row / h, i = row % h;
    for (Index j = 0; j < w; ++j) {
      const real* kernel = k + (row * w + j) * taps;
      real* out = y + (row * w + j) * c;
      for (Index c0 = 0; c0 < c; c0 += kVectors * kLanes) {
        const Index vectors = imin(kVectors, ceil_div(c - c0, kLanes));
        Vec acc[kVectors] = {};
        for (Index u = 0; u < d; ++u) {
          Index p = i + u - radius;
          p = p < 0 ? -p : p >= h ? 2 * (h - 1) - p : p;
          for (Index v = 0; v < d; ++v) {
            Index q = j + v - radius;
            q = q < 0 ? -q : q >= w ? 2 * (w - 1) - q : q;
            const real* in = x + ((n * h + p) * w + q) * c + c0;
            const real weight = kernel[u * d + v];
            if (c - c0 >= kVectors * kLanes) {
#pragma GCC unroll 6
              for (Index t = 0; t < kVectors; ++t) acc[t] += weight * load(in + t * kLanes);
            } else {
              for (Index t = 0; t < vectors; ++t) acc[t] += weight * load_n(in + t * kLanes, c - c0 - t * kLanes);
            }
          }
        }
        for (Index t = 0; t < vectors; ++t) store_n(out + c0 + t * kLanes, acc[t], c - c0 - t * kLanes);
      }
    }
  });
}

void gather_rows(const real* x, const std::int32_t* index, const real* weight, Index taps, real* y, Index n, Index c) {
  constexpr Index kVectors = 6;
  parallel_ranges(n, imax(1, 65536 / imax(1, taps * c)), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index c0 = 0; c0 < c; c0 += kVectors * kLanes) {
        const Index vectors = imin(kVectors, ceil_div(c - c0, kLanes));
        Vec acc[kVectors] = {};
        for (Index t = i * taps; t < (i + 1) * taps; ++t) {
          const real* in = x + static_cast<Index>(index[t]) * c + c0;
          if (c - c0 >= kVectors * kLanes) {
#pragma GCC unroll 6
            for (Index v = 0; v < kVectors; ++v) acc[v] += weight[t] * load(in + v * kLanes);
          } else {
            for (Index v = 0; v < vectors; ++v) acc[v] += weight[t] * load_n(in + v * kLanes, c - c0 - v * kLanes);
          }
        }
        for (Index v = 0; v < vectors; ++v) store_n(y + i * c + c0 + v * kLanes, acc[v], c - c0 - v * kLanes);
      }
  });
}

}  // namespace fu::FU_ISA
