// Definitions of patches of images, and of resampling by sparse maps.
#include "core/kernels/reference/reference.h"

namespace fu {

void im2col_ref(const real* x, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad, Index row_begin,
                Index row_end, real* patches) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1;
  for (Index row = row_begin; row < row_end; ++row)
    for (Index j = 0; j < wo; ++j)
      for (Index u = 0; u < kh; ++u)
        for (Index v = 0; v < kw; ++v)
          for (Index t = 0; t < c; ++t) {
            const Index y = row % ho * stride + u - pad, q = j * stride + v - pad;
            *patches++ = y >= 0 && y < h && q >= 0 && q < w ? x[((row / ho * h + y) * w + q) * c + t] : 0;
          }
}

void col2im_ref(const real* patches, Index h, Index w, Index c, Index kh, Index kw, Index stride, Index pad,
                Index row_begin, Index row_end, real* dx) {
  const Index ho = (h + 2 * pad - kh) / stride + 1, wo = (w + 2 * pad - kw) / stride + 1;
  for (Index row = row_begin; row < row_end; ++row)
    for (Index j = 0; j < wo; ++j)
      for (Index u = 0; u < kh; ++u)
        for (Index v = 0; v < kw; ++v)
          for (Index t = 0; t < c; ++t, ++patches) {
            const Index y = row % ho * stride + u - pad, q = j * stride + v - pad;
            if (y >= 0 && y < h && q >= 0 && q < w) dx[((row / ho * h + y) * w + q) * c + t] += *patches;
          }
}

void resample_axis_ref(const real* x, real* y, Index outer, Index inner, const AxisRows& map) {
  for (Index o = 0; o < outer; ++o)
    for (Index i = 0; i < map.n_out; ++i)
      for (Index c = 0; c < inner; ++c) {
        double total = 0;
        for (Index e = map.offset[i]; e < map.offset[i + 1]; ++e)
          total += double(map.weight[e]) * x[(o * map.n_in + map.index[e]) * inner + c];
        y[(o * map.n_out + i) * inner + c] = static_cast<real>(total);
      }
}

void map_rows_ref(const AxisRows& map, Index start, Index n, Index first, const real* x, Index ldx, real* y, Index ldy,
                  Index columns, bool transposed) {
  for (Index u = 0; u < n; ++u)
    for (Index c = 0; c < columns; ++c) {
      double total = 0;
      for (Index e = map.offset[start + u]; e < map.offset[start + u + 1]; ++e) {
        const Index at = map.index[e] - first;
        if (transposed)
          y[at * ldy + c] += map.weight[e] * x[u * ldx + c];
        else
          total += double(map.weight[e]) * double(x[at * ldx + c]);
      }
      if (!transposed) y[u * ldy + c] = static_cast<real>(total);
    }
}

}  // namespace fu
