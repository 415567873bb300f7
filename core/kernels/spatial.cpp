// Patches of images for convolution, and resampling by sparse maps along an axis.
#include "core/kernels/declare.h"
#include "core/kernels/simd.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

void im2col(const real* x, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad, Index row_begin,
            Index row_end, real* patches) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1, patch = kh * kw * c;
  parallel_for(row_end - row_begin, [&](Index chunk) {
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

void col2im(const real* patches, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad,
            Index row_begin, Index row_end, real* dx) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1, patch = kh * kw * c;
  if (row_end <= row_begin) return;
  // A task is a row of the image and gathers from all patches that cover it, so no two tasks write to the same place.
  const Index first = row_begin / ho * h, last = ((row_end - 1) / ho + 1) * h;
  parallel_for(last - first, [&](Index chunk) {
    const Index b = (first + chunk) / h, y = (first + chunk) % h;
    real* out = dx + (first + chunk) * w * c;
    for (Index u = 0; u < kh; ++u) {
      const Index at = y + pad - u, row = b * ho + at / stride;
      if (at < 0 || at % stride != 0 || at / stride >= ho || row < row_begin || row >= row_end) continue;
      for (Index j = 0; j < wo; ++j) {
        const real* in = patches + ((row - row_begin) * wo + j) * patch + u * kw * c;
        const Index q = j * stride - pad, v0 = imax(0, -q), v1 = imin(kw, w - q);
        for (Index t = v0 * c; t < v1 * c; ++t) out[q * c + t] += in[t];
      }
    }
  });
}

void resample_axis(const real* x, real* y, Index outer, Index inner, const AxisRows& map) {
  // Long inner runs are cut, so that rows of x which several outputs read stay in the cache.
  const Index run = imin(inner, 4096), runs = ceil_div(inner, imax(1, run));
  const Index rows = imax(1, 8192 / imax(1, run)), row_tasks = ceil_div(map.n_out, rows);
  parallel_for(outer * runs * row_tasks, [&](Index task) {
    const Index o = task / (runs * row_tasks), c0 = task / row_tasks % runs * run, c1 = imin(c0 + run, inner);
    const Index i0 = task % row_tasks * rows, i1 = imin(i0 + rows, map.n_out);
    for (Index i = i0; i < i1; ++i) {
      real* out = y + (o * map.n_out + i) * inner;
      const Index e0 = map.offset[i], e1 = map.offset[i + 1];
      if (inner < kLanes) {  // such as the channels of a photo: less than a vector
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
        for (Index e = e0; e < e1; ++e)
          total += map.weight[e] * load_n(x + (o * map.n_in + map.index[e]) * inner + c, lanes);
        store_n(out + c, total, lanes);
      }
    }
  });
}

void map_rows(const AxisRows& map, Index start, Index n, Index first, const real* x, Index ldx, real* y, Index ldy,
              Index columns, bool transposed) {
  for (Index u = 0; u < n; ++u) {
    const Index begin = map.offset[start + u], end = map.offset[start + u + 1];
    for (Index c = 0; c < columns; c += kLanes) {
      const Index lanes = columns - c;
      if (transposed) {
        const Vec in = load_n(x + u * ldx + c, lanes);
        for (Index e = begin; e < end; ++e) {
          real* out = y + (map.index[e] - first) * ldy + c;
          store_n(out, load_n(out, lanes) + map.weight[e] * in, lanes);
        }
      } else {
        Vec total{};
        for (Index e = begin; e < end; ++e)
          total += map.weight[e] * load_n(x + (map.index[e] - first) * ldx + c, lanes);
        store_n(y + u * ldy + c, total, lanes);
      }
    }
  }
}

}  // namespace fu::FU_ISA
