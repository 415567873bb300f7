// Definition of the sweeps of edge-aware smoothing.
#include <vector>

#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// Forward and back along one line of n pixels, `step` pixels apart.
void sweep(real* x, const LineSweep& line, Index first, Index step, Index n, Index c) {
  for (Index t = 0; t < c; ++t) {
    std::vector<double> z(usize(n));
    for (Index i = 0; i < n; ++i) {
      const Index p = first + i * step;
      z[usize(i)] = double(line.own[p]) * x[p * c + t] + (i > 0 ? line.past[p] * z[usize(i - 1)] : 0);
    }
    for (Index i = n - 2; i >= 0; --i) z[usize(i)] += line.next[first + i * step] * z[usize(i + 1)];
    for (Index i = 0; i < n; ++i) x[(first + i * step) * c + t] = static_cast<real>(z[usize(i)]);
  }
}

}  // namespace

void smooth_rows_ref(real* x, const LineSweep& line, Index h, Index w, Index c) {
  for (Index i = 0; i < h; ++i) sweep(x, line, i * w, 1, w, c);
}

void smooth_columns_ref(real* x, const LineSweep& line, Index h, Index w, Index c) {
  for (Index j = 0; j < w; ++j) sweep(x, line, j, w, h, c);
}

}  // namespace fu
