// Reductions along one axis of x (outer, n, inner): sums, extremes, norms. Where inner is 1 the axis is contiguous and
// the lanes of a vector run along it; otherwise they run along inner.
#include "core/kernels/reduce.h"
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// Sums of the first `lanes` columns of x (n rows, `step` apart).
Vec column_sum(const real* x, Index n, Index step, Index lanes) {
  Vec total{};
  for (Index block = 0; block < n; block += 512) {  // sums of 512 terms, then the sum of those: smaller rounding errors
    Vec part{};
    for (Index i = block; i < imin(block + 512, n); ++i) part += load_n(x + i * step, lanes);
    total += part;
  }
  return total;
}

}  // namespace

void sum_axis(const real* x, real* y, Index outer, Index n, Index inner) {
  if (outer == 0 || inner == 0) return;
  if (inner == 1) {
    if (outer > 1) {
      parallel_ranges(outer, rows_per_task(n), [&](Index begin, Index end) {
        for (Index o = begin; o < end; ++o) {
          double total = 0;
          for (Index i = 0; i < n; i += kBlock)
            total += static_cast<double>(block_sum(x + o * n + i, imin(kBlock, n - i)));
          y[o] = static_cast<real>(total);
        }
      });
      return;
    }
    // One long sum: groups of blocks in parallel, and their results added in order.
    double partial[kGroups] = {};
    const Index group = round_up(imax(1, ceil_div(n, kGroups)), kBlock);
    parallel_for(ceil_div(n, group), [&](Index g) {
      const Index end = imin(n, (g + 1) * group);
      for (Index i = g * group; i < end; i += kBlock)
        partial[g] += static_cast<double>(block_sum(x + i, imin(kBlock, end - i)));
    });
    double total = 0;
    for (Index g = 0; g < kGroups; ++g) total += partial[g];
    for (Index o = 0; o < outer; ++o) y[o] = static_cast<real>(total);
    return;
  }
  constexpr Index kColumns = 256, kParts = 32;
  if (outer * ceil_div(inner, kColumns) < kParts && n >= 4096) {
    // Few columns, many rows: parts of the rows in parallel, and their results added in order.
    const Index part = ceil_div(n, kParts);
    for (Index o = 0; o < outer; ++o)
      for (Index c0 = 0; c0 < inner; c0 += kColumns) {
        const Index columns = imin(kColumns, inner - c0);
        real partial[kParts][kColumns] __attribute__((aligned(64)));
        parallel_for(kParts, [&](Index p) {
          for (Index c = 0; c < columns; c += kLanes)
            store_n(partial[p] + c,
                    column_sum(x + (o * n + p * part) * inner + c0 + c, imin(part, imax(0, n - p * part)), inner,
                               columns - c),
                    columns - c);
        });
        for (Index c = 0; c < columns; ++c) {
          real total = 0;
          for (Index p = 0; p < kParts; ++p) total += partial[p][c];
          y[o * inner + c0 + c] = total;
        }
      }
    return;
  }
  const Index columns = imin(inner, kColumns), column_tasks = ceil_div(inner, columns);
  parallel_for(outer * column_tasks, [&](Index task) {
    const Index o = task / column_tasks, c0 = task % column_tasks * columns, c1 = imin(c0 + columns, inner);
    for (Index c = c0; c < c1; c += kLanes) {
      const Index lanes = imin(kLanes, c1 - c);
      store_n(y + o * inner + c, column_sum(x + o * n * inner + c, n, inner, lanes), lanes);
    }
  });
}

void norm_dot_energy(const real* x, const real* v, real* y, Index rows, Index c) {
  parallel_ranges(rows, rows_per_task(c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      Vec squares{}, product{}, terms{};
      for (Index i = 0; i < c; i += kLanes) {
        const Vec in = load_n(x + r * c + i, c - i), term = in * load_n(v + i, c - i);
        squares += in * in;
        product += term;
        terms += term * term;
      }
      y[3 * r] = vsqrt(splat(hsum(squares)))[0];
      y[3 * r + 1] = hsum(product);
      y[3 * r + 2] = hsum(terms);
    }
  });
}

Index norm_dot_energy_scratch(Index rows, Index c) { return c * ceil_div(rows, group_rows(rows, c)); }

void norm_dot_energy_backward(const real* x, const real* v, const real* y, const real* dy, real* dx, bool accumulate,
                              real* dv, Index rows, Index c, real* scratch) {
  const Index group = group_rows(rows, c), groups = ceil_div(rows, group);
  parallel_for(groups, [&](Index g) {
    real* sum = scratch + g * c;
    for (Index i = 0; i < c; ++i) sum[i] = 0;
    for (Index r = g * group; r < imin(rows, (g + 1) * group); ++r) {
      const real length = y[3 * r] > 0 ? dy[3 * r] / y[3 * r] : 0, product = dy[3 * r + 1], terms = 2 * dy[3 * r + 2];
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        const Vec in = load_n(x + r * c + i, lanes), w = load_n(v + i, lanes);
        store_n(sum + i, load_n(sum + i, lanes) + in * (product + terms * in * w), lanes);
        if (!dx) continue;
        const Vec d = length * in + product * w + terms * in * w * w;
        store_n(dx + r * c + i, accumulate ? load_n(dx + r * c + i, lanes) + d : d, lanes);
      }
    }
  });
  for (Index i = 0; dv && i < c; ++i) {
    dv[i] = 0;
    for (Index g = 0; g < groups; ++g) dv[i] += scratch[g * c + i];
  }
}

void min_max(const real* x, real* lo, real* hi, Index n, Index inner) {
  for (Index c = 0; c < inner; ++c) lo[c] = hi[c] = x[c];
  for (Index i = 1; i < n; ++i)
    for (Index c = 0; c < inner; ++c) {
      const real v = x[i * inner + c];
      lo[c] = v < lo[c] || v != v ? v : lo[c];  // NaN stays
      hi[c] = v > hi[c] || v != v ? v : hi[c];
    }
}

}  // namespace fu::FU_ISA
