// Folding the bicubic enlargement by 2 into the weights: d x d weights on the enlarged grid become s x s weights on the
// source, because both the enlargement and the weighted sum are linear.
#pragma once

#include "core/kernels/jbu_weights.h"

namespace fu::FU_ISA {

// Layout of col_fold, for each vector of pixels and each column v of a kernel: the range [low, high) of source columns
// that it reaches, as two reals, then s vectors of weights, one pixel a lane.
constexpr Index fold_row(Index s) { return 2 + s * kLanes; }

/// out[p] = sum over i < N of weight[i] * in[from[i] + p], p < pixels, for each of `runs` rows of in and out.
template <Index N>
static inline void fold_runs(const real* in, const Index* from, const Vec* weight, Index runs, Index in_step,
                             Index out_step, Index pixels, real* out) {
  // Local copies: a store to out might change what the pointers point at, and the compiler would read it again.
  Vec w[N];
  const real* source[N];
  for (Index i = 0; i < N; ++i) {
    w[i] = weight[i];
    source[i] = in + from[i];
  }
  for (Index j = 0; j < runs; ++j)
    for (Index p = 0; p < pixels; p += kLanes) {
      Vec total = w[0] * load(source[0] + j * in_step + p);
#pragma GCC unroll 8
      for (Index i = 1; i < N; ++i) total += w[i] * load(source[i] + j * in_step + p);
      store(out + j * out_step + p, total);
    }
}

/// fold_runs for any n.
static inline void fold_runs(Index n, const real* in, const Index* from, const Vec* weight, Index runs, Index in_step,
                             Index out_step, Index pixels, real* out) {
  switch (n) {
    case 0:
      for (Index j = 0; j < runs; ++j)
        for (Index p = 0; p < pixels; p += kLanes) store(out + j * out_step + p, Vec{});
      break;
    case 1: fold_runs<1>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 2: fold_runs<2>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 3: fold_runs<3>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 4: fold_runs<4>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    case 5: fold_runs<5>(in, from, weight, runs, in_step, out_step, pixels, out); break;
    default:  // at the borders of an image several rows fold into one
      fold_runs<5>(in, from, weight, runs, in_step, out_step, pixels, out);
      for (Index i = 5; i < n; ++i)
        for (Index j = 0; j < runs; ++j)
          for (Index p = 0; p < pixels; p += kLanes)
            store(out + j * out_step + p,
                  load(out + j * out_step + p) + weight[i] * load(in + j * in_step + from[i] + p));
  }
}

/// Folds the enlargement into the kernels of row y: weights (d,d,kTile) on the enlarged grid become folded (s,s,kTile)
/// on the source, s = 2*source radius + 1. `half` (s,d,kTile) is scratch: folded along rows only.
static void fold_enlargement(const JbuLevelArgs& l, Index y, Index x0, Index pixels, const real* weights, real* half,
                             real* folded) {
  const Index r = l.weights.radius, d = 2 * r + 1, reach = jbu_source_radius(r), s = 2 * reach + 1;
  const Index row_base = y / 2 - reach;
  Index from[kMaxDiameter];
  Vec weight[kMaxDiameter];
  // Along rows the weights are the same for all pixels. For each source row a: the kernel's rows that reach it, and
  // their weights.
  for (Index a = 0; a < s; ++a) {
    Index n = 0;
    for (Index u = 0; u < d; ++u) {
      const Index t = a + row_base - l.row_first[y + u];
      if (t < 0 || t >= 4 || l.row_weight[4 * (y + u) + t] == 0) continue;
      from[n] = u * d * kTile;
      weight[n++] = splat(l.row_weight[4 * (y + u) + t]);
    }
    fold_runs(n, weights, from, weight, d, kTile, kTile, pixels, half + a * d * kTile);
  }
  // Along columns they differ from pixel to pixel: vectors of weights from col_fold.
  for (Index p = 0; p < pixels; p += kLanes) {
    const real* fold = l.col_fold + (x0 + p) / kLanes * d * fold_row(s);
    for (Index b = 0; b < s; ++b) {
      Index n = 0;
      for (Index v = 0; v < d; ++v) {
        const real* row = fold + v * fold_row(s);
        if (b < static_cast<Index>(row[0]) || b >= static_cast<Index>(row[1])) continue;
        from[n] = v * kTile;
        weight[n++] = load(row + 2 + b * kLanes);
      }
      fold_runs(n, half + p, from, weight, s, d * kTile, s * kTile, kLanes, folded + b * kTile + p);
    }
  }
}

/// Reorders the folded kernels of two rows, (s*s, kTile) each, to quads (kTile/2, s*s, 4): the weights of the four
/// pixels that share a source position side by side.
static void gather_quads(const real* even, const real* odd, Index taps, Index pixels, real* quads) {
  for (Index t = 0; t < taps; ++t)
    for (Index q = 0; q < pixels / 2; ++q) {
      real* out = quads + (q * taps + t) * 4;
      out[0] = even[t * kTile + 2 * q];
      out[1] = even[t * kTile + 2 * q + 1];
      out[2] = odd[t * kTile + 2 * q];
      out[3] = odd[t * kTile + 2 * q + 1];
    }
}

}  // namespace fu::FU_ISA
