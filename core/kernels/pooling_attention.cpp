// The weights of attention pooling in one pass: from the saliency of a window's pixels to their softmax.
#include "core/kernels/declare.h"
#include "core/kernels/math.h"
#include "core/kernels/reduce.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// The saliency of a window's pixels after bias, noise and keep, before the factor w and the term b.
struct Salience {
  const real *saliency, *deviation, *noise;
  real bias, keep;
  Salience(const PoolingAttentionArgs& g, Index row)
      : saliency(g.saliency + row * g.n),
        deviation(g.deviation ? g.deviation + row * g.n : nullptr),
        noise(g.deviation ? g.noise + row * g.n : nullptr),
        bias(g.bias),
        keep(g.keep ? g.keep[row] : 1) {}
  Vec at(Index i, Index lanes) const {
    if (keep == 0) return Vec{};  // saliency may be uninitialised there
    Vec s = load_n(saliency + i, lanes) + bias;
    if (deviation) s += load_n(deviation + i, lanes) * load_n(noise + i, lanes);
    return s * keep;
  }
};

}  // namespace

void pooling_attention(const PoolingAttentionArgs& g, real* y) {
  parallel_ranges(g.rows, rows_per_task(g.n), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Salience salience(g, r);
      real* out = y + r * g.n;
      Vec tops = splat(-__builtin_huge_val());
      for (Index i = 0; i < g.n; i += kLanes) {
        const Vec x = salience.at(i, g.n - i) * load_n(g.w + i, g.n - i) + load_n(g.b + i, g.n - i);
        store_n(out + i, x, g.n - i);
        if (i + kLanes <= g.n) tops = vmax(x, tops);
      }
      real top = hmax(tops);
      for (Index i = g.n / kLanes * kLanes; i < g.n; ++i) top = out[i] > top ? out[i] : top;
      Vec total{};
      for (Index i = 0; i < g.n; i += kLanes) {
        const Index lanes = g.n - i;
        const Vec e = vexp_negative(load_n(out + i, lanes) - top);
        store_n(out + i, e, lanes);
        total += keep_n(e, lanes);
      }
      const real inverse = 1 / hsum(total);
      for (Index i = 0; i < g.n; i += kLanes) store_n(out + i, load_n(out + i, g.n - i) * inverse, g.n - i);
    }
  });
}

Index pooling_attention_scratch(const PoolingAttentionArgs& g) {
  return (2 * g.n + 1) * ceil_div(g.rows, group_rows(g.rows, g.n));
}

void pooling_attention_backward(const PoolingAttentionArgs& g, const real* y, const real* dy, real* dsaliency,
                                real* ddeviation, real* dw, real* db, real* dbias, real* scratch) {
  const Index n = g.n, sums = 2 * n + 1, group = group_rows(g.rows, n), groups = ceil_div(g.rows, group);
  parallel_for(groups, [&](Index task) {
    real *w_sum = scratch + task * sums, *b_sum = w_sum + n;
    for (Index i = 0; i < sums; ++i) w_sum[i] = 0;
    for (Index r = task * group; r < imin(g.rows, (task + 1) * group); ++r) {
      const real *out = y + r * n, *grad = dy + r * n;
      const Salience salience(g, r);
      real* ds_row = dsaliency + r * n;
      Vec dots{}, left{}, bias_sum{};
      for (Index i = 0; i < n; i += kLanes) dots += load_n(out + i, n - i) * load_n(grad + i, n - i);
      const real dot = hsum(dots);
      for (Index i = 0; i < n; i += kLanes) {
        const Vec dx = load_n(out + i, n - i) * (load_n(grad + i, n - i) - dot);
        store_n(ds_row + i, dx, n - i);
        left += keep_n(dx, n - i);
      }
      // The gradients of a softmax's inputs sum to 0 except for rounding. dbias is a sum of them that almost cancels,
      // so that rest would dominate it: it is subtracted.
      const real rest = hsum(left);
      for (Index i = 0; i < n; i += kLanes) {
        const Index lanes = n - i;
        const Vec dx = load_n(ds_row + i, lanes) - load_n(out + i, lanes) * rest;
        store_n(b_sum + i, load_n(b_sum + i, lanes) + dx, lanes);
        store_n(w_sum + i, load_n(w_sum + i, lanes) + dx * salience.at(i, lanes), lanes);
        const Vec ds = dx * load_n(g.w + i, lanes) * salience.keep;
        bias_sum += ds;
        store_n(ds_row + i, ds, lanes);
        if (ddeviation)
          store_n(ddeviation + r * n + i, salience.keep == 0 ? Vec{} : ds * load_n(salience.noise + i, lanes), lanes);
      }
      b_sum[n] += hsum(bias_sum);
    }
  });
  for (Index i = 0; i < sums; ++i) {
    real total = 0;
    for (Index task = 0; task < groups; ++task) total += scratch[task * sums + i];
    (i < n ? dw[i] : i < 2 * n ? db[i - n] : *dbias) = total;
  }
}

}  // namespace fu::FU_ISA
