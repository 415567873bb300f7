// Reductions along one axis of x (outer, n, inner): sums, extremes, softmax, layer norm. Where inner is 1 the axis is contiguous and lanes
// run along it; otherwise lanes run along inner.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kBlock = 1 << 13;  // elements summed in float before the sums are added in double: a fixed split

Index rows_per_task(Index row_length) { return imax(1, kBlock / imax(1, row_length)); }

real block_sum(const real* x, Index n) {
  Vec acc[4] = {};
  Index i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (Index j = 0; j < 4; ++j) acc[j] += load(x + i + j * kLanes);
  for (; i < n; i += kLanes) acc[0] += load_n(x + i, n - i);
  return hsum((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

}  // namespace

void sum_axis(const real* x, real* y, Index outer, Index n, Index inner) {
  if (inner == 1) {
    if (outer > 1) {
      parallel_ranges(outer, rows_per_task(n), [&](Index begin, Index end) {
        for (Index o = begin; o < end; ++o) {
          double total = 0;
          for (Index i = 0; i < n; i += kBlock) total += static_cast<double>(block_sum(x + o * n + i, imin(kBlock, n - i)));
          y[o] = static_cast<real>(total);
        }
      });
      return;
    }
    // One long sum: groups of blocks in parallel, their results added in order.
    constexpr Index kGroups = 64;
    double partial[kGroups] = {};
    const Index group = round_up(imax(1, ceil_div(n, kGroups)), kBlock);
    parallel_for(ceil_div(n, group), [&](Index g, int) {
      const Index end = imin(n, (g + 1) * group);
      for (Index i = g * group; i < end; i += kBlock) partial[g] += static_cast<double>(block_sum(x + i, imin(kBlock, end - i)));
    });
    double total = 0;
    for (Index g = 0; g < kGroups; ++g) total += partial[g];
    for (Index o = 0; o < outer; ++o) y[o] = static_cast<real>(total);
    return;
  }
  const Index columns = imin(inner, 256), column_tasks = ceil_div(inner, columns);
  parallel_for(outer * column_tasks, [&](Index task, int) {
    const Index o = task / column_tasks, c0 = task % column_tasks * columns, c1 = imin(c0 + columns, inner);
    for (Index c = c0; c < c1; c += kLanes) {
      const Index lanes = imin(kLanes, c1 - c);
      Vec total{};
      for (Index block = 0; block < n; block += 512) {  // two levels: 512 terms, then their sums
        Vec part{};
        for (Index i = block; i < imin(block + 512, n); ++i) part += load_n(x + (o * n + i) * inner + c, lanes);
        total += part;
      }
      store_n(y + o * inner + c, total, lanes);
    }
  });
}

void min_max(const real* x, real* lo, real* hi, Index n, Index inner) {
  for (Index c = 0; c < inner; ++c) lo[c] = hi[c] = x[c];
  for (Index i = 1; i < n; ++i)
    for (Index c = 0; c < inner; ++c) {
      const real v = x[i * inner + c];
      lo[c] = v < lo[c] ? v : lo[c];
      hi[c] = v > hi[c] ? v : hi[c];
    }
}

void softmax(const real* x, real* y, Index outer, Index n, Index inner, real scale) {
  if (n == 0) return;
  if (inner == 1) {
    parallel_ranges(outer, rows_per_task(n), [&](Index begin, Index end) {
      for (Index o = begin; o < end; ++o) {
        const real* in = x + o * n;
        real* out = y + o * n;
        real top = scale * in[0];
        for (Index i = 0; i < n; ++i) top = scale * in[i] > top ? scale * in[i] : top;
        Vec total{};
        for (Index i = 0; i < n; i += kLanes) {
          const Index lanes = imin(kLanes, n - i);
          store_n(out + i, vexp_negative(load_n(in + i, lanes) * scale - top), lanes);
          total += load_n(out + i, lanes);
        }
        const real inverse = 1 / hsum(total);
        for (Index i = 0; i < n; i += kLanes) store_n(out + i, load_n(out + i, n - i) * inverse, n - i);
      }
    });
    return;
  }
  const Index column_tasks = ceil_div(inner, kLanes);
  parallel_ranges(outer * column_tasks, rows_per_task(n * kLanes), [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index c = task % column_tasks * kLanes, lanes = imin(kLanes, inner - c);
      const Index base = task / column_tasks * n * inner + c;
      Vec top = load_n(x + base, lanes) * scale;
      for (Index i = 1; i < n; ++i) top = vmax(load_n(x + base + i * inner, lanes) * scale, top);
      Vec total{};
      for (Index i = 0; i < n; ++i) {
        const Vec e = vexp_negative(load_n(x + base + i * inner, lanes) * scale - top);
        total += e;
        store_n(y + base + i * inner, e, lanes);
      }
      for (Index i = 0; i < n; ++i) store_n(y + base + i * inner, load_n(y + base + i * inner, lanes) / total, lanes);
    }
  });
}

void layer_norm(const real* x, const real* weight, const real* bias, real* y, Index rows, Index c, real eps) {
  if (c == 0) return;
  parallel_ranges(rows, rows_per_task(c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const real* in = x + r * c;
      real* out = y + r * c;
      const real mean = block_sum(in, c) / static_cast<real>(c);
      Vec square{};
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = imin(kLanes, c - i);
        Vec d = load_n(in + i, lanes) - mean;
        for (Index t = lanes; t < kLanes; ++t) d[t] = 0;
        square += d * d;
      }
      const real variance = hsum(square) / static_cast<real>(c) + eps;
      const real scale = 1 / vsqrt(splat(variance))[0];
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        store_n(out + i, (load_n(in + i, lanes) - mean) * scale * load_n(weight + i, lanes) + load_n(bias + i, lanes), lanes);
      }
    }
  });
}

}  // namespace fu::FU_ISA
