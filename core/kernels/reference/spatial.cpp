// Definitions of patches of images, of maxima over windows, and of resampling by sparse maps.
#include <algorithm>
#include <limits>
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// Calls f(index of the patch's element, index of x's element) for all elements of windows inside the image.
template <class F>
void each_element(const WindowArgs& g, Index row_begin, Index row_end, const F& f) {
  Index at = 0;
  for (Index row = row_begin; row < row_end; ++row)
    for (Index j = 0; j < g.cols; ++j)
      for (Index u = 0; u < g.kh; ++u)
        for (Index v = 0; v < g.kw; ++v) {
          const Index y = row % g.rows * g.stride + u * g.dilation - g.pad, q = j * g.stride + v * g.dilation - g.pad;
          for (Index t = 0; t < g.c; ++t, ++at)
            if (y >= 0 && y < g.h && q >= 0 && q < g.w) f(at, ((row / g.rows * g.h + y) * g.w + q) * g.c + t);
        }
}

}  // namespace

void im2col_ref(const real* x, const WindowArgs& g, Index row_begin, Index row_end, real* patches) {
  std::fill_n(patches, std::max<Index>(0, row_end - row_begin) * g.cols * g.kh * g.kw * g.c, real(0));
  each_element(g, row_begin, row_end, [&](Index patch, Index image) { patches[patch] = x[image]; });
}

void col2im_ref(const real* patches, const WindowArgs& g, Index row_begin, Index row_end, real* dx) {
  each_element(g, row_begin, row_end, [&](Index patch, Index image) { dx[image] += patches[patch]; });
}

void max_pool_ref(const real* x, real* y, Index b, const WindowArgs& g) {
  std::fill_n(y, b * g.rows * g.cols * g.c, -std::numeric_limits<real>::infinity());
  each_element(g, 0, b * g.rows, [&](Index patch, Index image) {
    real& best = y[patch / (g.kh * g.kw * g.c) * g.c + patch % g.c];
    if (x[image] > best || std::isnan(x[image])) best = x[image];
  });
}

void max_pool_backward_ref(const real* x, const real* y, const real* dy, real* dx, Index b, const WindowArgs& g) {
  std::fill_n(dx, b * g.h * g.w * g.c, real(0));
  std::vector<bool> done(static_cast<std::size_t>(b * g.rows * g.cols * g.c));
  each_element(g, 0, b * g.rows, [&](Index patch, Index image) {
    const Index out = patch / (g.kh * g.kw * g.c) * g.c + patch % g.c;
    if (done[static_cast<std::size_t>(out)] || x[image] != y[out]) return;
    done[static_cast<std::size_t>(out)] = true;
    dx[image] += dy[out];
  });
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
