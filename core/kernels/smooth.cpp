// Smoothing along lines of pixels that are linked to their neighbours. The smoothed values solve tridiagonal equations;
// a sweep forward and a sweep back along each line solve them.
#include "core/kernels/declare.h"
#include "core/kernels/simd.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// Channels [c0, c1) of `pixels` lines side by side, each of n pixels. From one pixel of a line to the next it is
/// x_step reals in x and k_step in the coefficients, which begin at k.
void sweep(real* x, Index x_step, const LineSweep& line, Index k, Index k_step, Index n, Index pixels, Index c,
           Index c0, Index c1) {
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < pixels; ++j) {
      real* here = x + i * x_step + j * c;
      const real* before = i > 0 ? here - x_step : here;
      const Index at = k + i * k_step + j;
      const real own = line.own[at], past = line.past[at];  // past is 0 at the begin of a line
      Index t = c0;
      for (; t + kLanes <= c1; t += kLanes) store(here + t, own * load(here + t) + past * load(before + t));
      for (; t < c1; ++t) here[t] = own * here[t] + past * before[t];
    }
  for (Index i = n - 2; i >= 0; --i)
    for (Index j = 0; j < pixels; ++j) {
      real* here = x + i * x_step + j * c;
      const real* after = here + x_step;
      const real next = line.next[k + i * k_step + j];
      Index t = c0;
      for (; t + kLanes <= c1; t += kLanes) store(here + t, load(here + t) + next * load(after + t));
      for (; t < c1; ++t) here[t] += next * after[t];
    }
}

}  // namespace

void smooth_rows(real* x, const LineSweep& line, Index h, Index w, Index c) {
  constexpr Index kReals = 1 << 15;  // of a line at a time: the sweep back then finds them in the cache
  const Index part = imax(1, imin(c, imax(64, kReals / imax(1, w) / 16 * 16))), parts = ceil_div(c, part);
  parallel_for(h * parts, [&](Index task) {
    const Index i = task / parts, c0 = task % parts * part;
    sweep(x + i * w * c, c, line, i * w, 1, w, 1, c, c0, imin(c, c0 + part));
  });
}

void smooth_columns(real* x, const LineSweep& line, Index h, Index w, Index c) {
  constexpr Index kReals = 1 << 15;
  const Index room = imax(64, kReals / imax(1, h) / 16 * 16), part = imax(1, imin(c, room)), parts = ceil_div(c, part);
  const Index side = imax(1, room / imax(1, c)), sides = ceil_div(w, side);
  parallel_for(sides * parts, [&](Index task) {
    const Index j = task / parts * side, c0 = task % parts * part;
    sweep(x + j * c, w * c, line, j, w, h, imin(side, w - j), c, c0, imin(c, c0 + part));
  });
}

}  // namespace fu::FU_ISA
