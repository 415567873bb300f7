// Definitions of sums, extremes and norms.
#include <algorithm>

#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

void sum_axis_ref(const real* x, real* y, Index outer, Index n, Index inner) {
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c)
      y[o * inner + c] = static_cast<real>(doubles(x + o * n * inner + c, n, inner).sum());
}

void min_max_ref(const real* x, real* lo, real* hi, Index n, Index inner) {
  for (Index c = 0; c < inner; ++c) {
    lo[c] = hi[c] = x[c];
    for (Index i = 1; i < n; ++i) {
      const real v = x[i * inner + c];
      lo[c] = v != v ? v : std::min(lo[c], v);
      hi[c] = v != v ? v : std::max(hi[c], v);
    }
  }
}

void norm_dot_energy_ref(const real* x, const real* v, real* y, Index rows, Index c) {
  const DoubleRow weights = doubles(v, c);
  for (Index r = 0; r < rows; ++r) {
    const DoubleRow in = doubles(x + r * c, c), terms = in * weights;
    y[3 * r] = static_cast<real>(std::sqrt(in.square().sum()));
    y[3 * r + 1] = static_cast<real>(terms.sum());
    y[3 * r + 2] = static_cast<real>(terms.square().sum());
  }
}

Index norm_dot_energy_scratch_ref(Index, Index) { return 0; }

void norm_dot_energy_backward_ref(const real* x, const real* v, const real* y, const real* dy, real* dx,
                                  bool accumulate, real* dv, Index rows, Index c, real*) {
  const DoubleRow w = doubles(v, c);
  DoubleRow v_sum = DoubleRow::Zero(c);
  for (Index r = 0; r < rows; ++r) {
    const DoubleRow in = doubles(x + r * c, c);
    const double norm = double(y[3 * r]), d_norm = double(dy[3 * r]);
    const double d_dot = double(dy[3 * r + 1]), d_energy = double(dy[3 * r + 2]);
    v_sum += in * (d_dot + 2 * d_energy * in * w);
    if (!dx) continue;
    const DoubleRow d = (norm > 0 ? d_norm / norm : 0) * in + d_dot * w + 2 * d_energy * in * w.square();
    write_row(accumulate ? DoubleRow(doubles(dx + r * c, c) + d) : d, dx + r * c);
  }
  if (dv) write_row(v_sum, dv);
}

}  // namespace fu
