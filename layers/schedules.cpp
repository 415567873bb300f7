#include "layers/schedules.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace fu {

namespace {

constexpr double kPi = 3.14159265358979323846;

double part(Index step, Index of) { return static_cast<double>(step) / static_cast<double>(std::max<Index>(1, of)); }

/// A value of the cycle at a step: `from` at its ends, or `last` at its last step, and `peak` in between.
double along_cycle(const OneCycle& c, Index step, double from, double peak, double back, double last) {
  require<UsageError>(step >= 0 && step < c.total_steps && c.pct_start >= 0 && c.pct_start <= 1, "[one_cycle] step ",
                      step, " of ", c.total_steps, ", rising for a part of ", c.pct_start,
                      ": steps count from 0 to total_steps - 1, and the part lies in [0, 1].");
  struct Phase {
    double end, from, to;
  };
  const auto total = static_cast<double>(c.total_steps);
  const Phase two[] = {{c.pct_start * total - 1, from, peak}, {total - 1, peak, last}};
  const Phase three[] = {
      {c.pct_start * total - 1, from, peak}, {2 * c.pct_start * total - 2, peak, back}, {total - 1, back, last}};
  const Phase* phase = c.three_phase ? three : two;
  const Phase* const end = phase + (c.three_phase ? 3 : 2);
  double begin = 0;
  for (; phase + 1 != end && static_cast<double>(step) > phase->end; ++phase) begin = phase->end;
  const double length = phase->end - begin;
  const double at = length > 0 ? (static_cast<double>(step) - begin) / length : 1;
  if (c.linear) return phase->from + (phase->to - phase->from) * at;
  return phase->to + (phase->from - phase->to) / 2 * (1 + std::cos(kPi * at));
}

}  // namespace

double warmup_cosine(Index step, Index warmup, Index total, double floor) {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  return cosine(step - warmup, total - warmup, floor);
}

double cosine(Index step, Index total, double floor) {
  if (step >= total) return floor;
  return floor + (1 - floor) * 0.5 * (1 + std::cos(kPi * part(step, total)));
}

double linear_warmup(Index step, Index warmup, double start) {
  return step >= warmup ? 1 : start + (1 - start) * part(step, warmup);
}

double OneCycle::lr(Index step) const {
  const double first = max_lr / div_factor;
  return along_cycle(*this, step, first, max_lr, first, first / final_div_factor);
}

double OneCycle::momentum(Index step) const {
  return along_cycle(*this, step, max_momentum, base_momentum, max_momentum, max_momentum);
}

}  // namespace fu
