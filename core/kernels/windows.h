// Windows of images as rows of a matrix, copied for the inner loop of a product.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

/// Copies n reals. The last vector overlaps the one before it: faster than element by element.
static inline void copy_run(const real* in, Index n, real* out) {
  if (n < kLanes) {
    for (Index i = 0; i < n; ++i) out[i] = in[i];
    return;
  }
  for (Index i = 0; i + kLanes < n; i += kLanes) store(out + i, load(in + i));
  store(out + n - kLanes, load(in + n - kLanes));
}
static inline void zero_run(Index n, real* out) {
  for (Index i = 0; i < n; ++i) out[i] = 0;
}

/// Copies elements [p0, p0 + k) of windows [first, first + rows), as copy_rows does with rows of a matrix.
static inline void copy_windows(const real* x, const WindowArgs& g, Index first, Index rows, Index p0, Index k,
                                real* copy) {
  const Index row_length = g.kw * g.c;
  for (Index i = 0; i < rows; ++i) {
    const Index window = first + i, line = window / g.cols;
    const Index y0 = line % g.rows * g.stride - g.pad, q0 = window % g.cols * g.stride - g.pad;
    const real* image = x + line / g.rows * g.h * g.w * g.c;
    const bool whole_rows = g.dilation == 1 && q0 >= 0 && q0 + g.kw <= g.w;
    real* out = copy + i * kRowStride;
    for (Index p = p0; p < p0 + k;) {
      const Index u = p / row_length, at = p % row_length, y = y0 + u * g.dilation;
      const Index end = imin(p0 + k, (u + 1) * row_length) - u * row_length;  // of this row of the window
      if (y < 0 || y >= g.h) {
        zero_run(end - at, out);
      } else if (whole_rows) {
        copy_run(image + (y * g.w + q0) * g.c + at, end - at, out);
      } else {
        for (Index t = at; t < end;) {
          const Index v = t / g.c, stop = imin(end, (v + 1) * g.c), q = q0 + v * g.dilation;
          if (q < 0 || q >= g.w)
            zero_run(stop - t, out + t - at);
          else
            copy_run(image + (y * g.w + q) * g.c + t - v * g.c, stop - t, out + t - at);
          t = stop;
        }
      }
      out += end - at;
      p = u * row_length + end;
    }
  }
}

}  // namespace fu::FU_ISA
