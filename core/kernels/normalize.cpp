// Softmax, layer norm and RMS norm, forward and backward. Where the axis is the last one, the lanes of a vector run
// along it; otherwise along the axes behind it.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/kernels/reduce.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

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

void softmax_backward(const real* y, const real* dy, real* dx, Index outer, Index n, Index inner, real scale) {
  if (inner == 1) {
    parallel_ranges(outer, rows_per_task(n), [&](Index begin, Index end) {
      for (Index o = begin; o < end; ++o) {
        const real *row = y + o * n, *in = dy + o * n;
        Vec total{};
        for (Index i = 0; i < n; i += kLanes) total += load_n(row + i, n - i) * load_n(in + i, n - i);
        const real dot = hsum(total);
        for (Index i = 0; i < n; i += kLanes)
          store_n(dx + o * n + i, scale * load_n(row + i, n - i) * (load_n(in + i, n - i) - dot), n - i);
      }
    });
    return;
  }
  const Index column_tasks = ceil_div(inner, kLanes);
  parallel_ranges(outer * column_tasks, rows_per_task(n * kLanes), [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index c = task % column_tasks * kLanes, lanes = imin(kLanes, inner - c),
                  base = task / column_tasks * n * inner + c;
      Vec dot{};
      for (Index i = 0; i < n; ++i) dot += load_n(y + base + i * inner, lanes) * load_n(dy + base + i * inner, lanes);
      for (Index i = 0; i < n; ++i) {
        const Index at = base + i * inner;
        store_n(dx + at, scale * load_n(y + at, lanes) * (load_n(dy + at, lanes) - dot), lanes);
      }
    }
  });
}

namespace {

/// Mean and 1 / standard deviation of a row. The mean is kept in two parts, because numbers near 1e7 lie 1 apart, and
/// so would the mean: `mean`, from a first pass, and the rest, which a second pass over the differences from it finds.
/// source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance" (1983), the corrected two-pass
/// algorithm
struct RowStatistics {
  real mean, scale, shift;  // shift: that of the rest, scaled
  RowStatistics(const real* x, Index c, real eps) : mean(block_sum(x, c) / static_cast<real>(c)) {
    Vec squares[4] = {}, sums[4] = {};
    Index i = 0;
    for (; i + 4 * kLanes <= c; i += 4 * kLanes)
      for (Index j = 0; j < 4; ++j) {
        const Vec d = load(x + i + j * kLanes) - mean;
        squares[j] += d * d;
        sums[j] += d;
      }
    for (; i < c; i += kLanes) {
      const Index lanes = imin(kLanes, c - i);
      const Vec d = keep_n(load_n(x + i, lanes) - mean, lanes);
      squares[0] += d * d;
      sums[0] += d;
    }
    const Vec square = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    const real rest = hsum((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<real>(c);
    const real variance = hsum(square) / static_cast<real>(c) - rest * rest;
    scale = 1 / vsqrt(splat((variance < 0 ? 0 : variance) + eps))[0];
    shift = -rest * scale;
  }
  /// The normalised numbers of a vector of the row.
  Vec normal(Vec x) const { return (x - mean) * scale + shift; }
};

}  // namespace

void layer_norm(const real* x, const real* weight, const real* bias, real* y, Index rows, Index c, real eps) {
  if (c == 0) return;
  parallel_ranges(rows, rows_per_task(c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const real* in = x + r * c;
      real* out = y + r * c;
      const RowStatistics row(in, c, eps);
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        store_n(out + i, row.normal(load_n(in + i, lanes)) * load_n(weight + i, lanes) + load_n(bias + i, lanes),
                lanes);
      }
    }
  });
}

Index layer_norm_scratch(Index rows, Index c) { return 2 * c * ceil_div(rows, group_rows(rows, c)); }

void layer_norm_backward(const real* x, const real* weight, const real* dy, real* dx, real* dweight, real* dbias,
                         Index rows, Index c, real eps, real* scratch) {
  if (c == 0) return;
  const Index group = group_rows(rows, c), groups = ceil_div(rows, group);
  parallel_for(groups, [&](Index g) {
    real *weight_sum = scratch + 2 * c * g, *bias_sum = weight_sum + c;
    for (Index i = 0; i < 2 * c; ++i) weight_sum[i] = 0;
    for (Index r = g * group; r < imin((g + 1) * group, rows); ++r) {
      const real *in = x + r * c, *grad = dy + r * c;
      const RowStatistics row(in, c, eps);
      // h = dy * weight is the gradient of the normalised row. dx is h without its parts along the mean and along the
      // row itself, because normalisation removes both.
      Vec h_total{}, hx_total{};
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        const Vec d = load_n(grad + i, lanes), normal = row.normal(load_n(in + i, lanes)),
                  h = d * load_n(weight + i, lanes);
        h_total += h;
        hx_total += h * normal;
        store_n(weight_sum + i, load_n(weight_sum + i, lanes) + d * normal, lanes);
        store_n(bias_sum + i, load_n(bias_sum + i, lanes) + d, lanes);
      }
      if (!dx) continue;
      const real h_mean = hsum(h_total) / static_cast<real>(c), hx_mean = hsum(hx_total) / static_cast<real>(c);
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        const Vec normal = row.normal(load_n(in + i, lanes)), h = load_n(grad + i, lanes) * load_n(weight + i, lanes);
        store_n(dx + r * c + i, row.scale * (h - h_mean - normal * hx_mean), lanes);
      }
    }
  });
  for (Index part = 0; part < 2; ++part) {
    real* out = part ? dbias : dweight;
    if (!out) continue;
    for (Index i = 0; i < c; ++i) {
      real total = 0;
      for (Index g = 0; g < groups; ++g) total += scratch[2 * c * g + part * c + i];
      out[i] = total;
    }
  }
}

void normalize_rows(const real* x, real* y, real* scales, Index rows, Index c, real eps) {
  for (Index r = 0; r < rows; ++r) {
    const real* in = x + r * c;
    const RowStatistics row(in, c, eps);
    if (scales) scales[r] = row.scale;
    Index i = 0;
    for (; i + kLanes <= c; i += kLanes) store(y + r * c + i, row.normal(load(in + i)));
    if (i < c) store_n(y + r * c + i, row.normal(load_n(in + i, c - i)), c - i);
  }
}

void normalize_rows_backward(const real* y, const real* scales, const real* dy, Index given, real* dx,
                             const real* active, const real* slopes, real* sums, Index rows, Index c) {
  for (Index r = 0; r < rows; ++r) {
    const real *out = y + r * c, *grad = dy + r * c;
    Vec total[2] = {}, along[2] = {};
    Index i = 0;
    for (; i + 2 * kLanes <= given; i += 2 * kLanes)
      for (Index j = 0; j < 2; ++j) {
        const Vec d = load(grad + i + j * kLanes);
        total[j] += d;
        along[j] += d * load(out + i + j * kLanes);
      }
    for (; i < given; i += kLanes) {
      const Vec d = load_n(grad + i, given - i);
      total[0] += d;
      along[0] += d * load_n(out + i, given - i);
    }
    const real scale = scales[r], mean = scale * hsum(total[0] + total[1]) / static_cast<real>(c);
    const real slope = scale * hsum(along[0] + along[1]) / static_cast<real>(c);
    for (i = 0; i < c; i += kLanes) {
      const Index lanes = c - i;
      const Vec d = scale * load_n(grad + i, imax(0, given - i)) - mean - load_n(out + i, lanes) * slope;
      if (slopes)
        store_n(sums + i, load_n(sums + i, lanes) + d * load_n(slopes + r * c + i, lanes), lanes);
      else
        store_n(dx + r * c + i, active ? select(load_n(active + r * c + i, lanes) > 0, d, Vec{}) : d, lanes);
    }
  }
}

namespace {

/// 1 / sqrt(mean of x^2 + eps)
real inverse_rms(const real* x, Index c, real eps) {
  Vec squares[4] = {};
  Index i = 0;
  for (; i + 4 * kLanes <= c; i += 4 * kLanes)
    for (Index j = 0; j < 4; ++j) {
      const Vec v = load(x + i + j * kLanes);
      squares[j] += v * v;
    }
  for (; i < c; i += kLanes) {
    const Vec v = load_n(x + i, c - i);
    squares[0] += v * v;
  }
  const Vec square = (squares[0] + squares[1]) + (squares[2] + squares[3]);
  return 1 / vsqrt(splat(hsum(square) / static_cast<real>(c) + eps))[0];
}

}  // namespace

void rms_norm(const real* x, const real* weight, real* y, Index rows, Index c, real eps) {
  if (c == 0) return;
  parallel_ranges(rows, rows_per_task(c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const real *in = x + r * c, scale = inverse_rms(in, c, eps);
      for (Index i = 0; i < c; i += kLanes)
        store_n(y + r * c + i, load_n(in + i, c - i) * scale * load_n(weight + i, c - i), c - i);
    }
  });
}

Index rms_norm_scratch(Index rows, Index c) { return c * ceil_div(rows, group_rows(rows, c)); }

void rms_norm_backward(const real* x, const real* weight, const real* dy, real* dx, real* dweight, Index rows, Index c,
                       real eps, real* scratch) {
  if (c == 0) return;
  const Index group = group_rows(rows, c), groups = ceil_div(rows, group);
  parallel_for(groups, [&](Index g) {
    real* sums = scratch + c * g;
    for (Index i = 0; i < c; ++i) sums[i] = 0;
    for (Index r = g * group; r < imin((g + 1) * group, rows); ++r) {
      const real *in = x + r * c, *grad = dy + r * c, scale = inverse_rms(in, c, eps);
      // dx is h = dy * weight without its part along the row itself, because the norm removes the row's length.
      Vec along{};
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        const Vec d = load_n(grad + i, lanes), normal = load_n(in + i, lanes) * scale;
        along += d * load_n(weight + i, lanes) * normal;
        store_n(sums + i, load_n(sums + i, lanes) + d * normal, lanes);
      }
      if (!dx) continue;
      const real slope = hsum(along) / static_cast<real>(c);
      for (Index i = 0; i < c; i += kLanes) {
        const Index lanes = c - i;
        const Vec h = load_n(grad + i, lanes) * load_n(weight + i, lanes);
        store_n(dx + r * c + i, scale * (h - load_n(in + i, lanes) * scale * slope), lanes);
      }
    }
  });
  if (!dweight) return;
  for (Index i = 0; i < c; ++i) {
    real total = 0;
    for (Index g = 0; g < groups; ++g) total += scratch[c * g + i];
    dweight[i] = total;
  }
}

}  // namespace fu::FU_ISA
