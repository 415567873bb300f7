// Learning rates over a training: numbers that an optimizer's `lr` is set to before each step.
#pragma once

#include "core/base.h"

namespace fu {

// The first three give fractions of the peak: optimizer.lr = peak * cosine(step, total). Steps count from 0.

/// Rises linearly over `warmup` steps, 1 / warmup at the first and 1 at the last of them, then falls along a cosine to
/// `floor` at step `total`.
/// @code
/// const double peak = 1e-3;
/// assert(peak * warmup_cosine(0, 10, 100) == 1e-4);  // what an optimizer's lr is set to before the first step
/// assert(warmup_cosine(9, 10, 100) == 1 && warmup_cosine(100, 10, 100) == 0);
/// @endcode
double warmup_cosine(Index step, Index warmup, Index total, double floor = 0);

/// Falls along half a cosine from 1 at step 0 to `floor` at step `total`, and stays there. source: arXiv 1608.03983
/// (without restarts); PyTorch's CosineAnnealingLR with T_max = total
double cosine(Index step, Index total, double floor = 0);

/// Rises linearly from `start` at step 0 to 1 at step `warmup`, and stays there. source: PyTorch's LinearLR
double linear_warmup(Index step, Index warmup, double start = 0);

/// One cycle: up to the largest rate, and down to far below the first one, while momentum does the opposite. Names,
/// values and formulas are those of PyTorch's OneCycleLR. source: arXiv 1708.07120
/// @code
/// OneCycle cycle;
/// cycle.max_lr = 0.1;
/// cycle.total_steps = 100;
/// assert(cycle.lr(0) < cycle.lr(10) && cycle.lr(29) > cycle.lr(99));
/// assert(cycle.momentum(29) < cycle.momentum(0));
/// @endcode
struct OneCycle {
  double max_lr = 0;              // the largest rate
  Index total_steps = 0;          // of the whole cycle
  double pct_start = 0.3;         // part of the steps that the rate rises
  double div_factor = 25;         // the first rate is max_lr / div_factor
  double final_div_factor = 1e4;  // the last rate is the first one / final_div_factor
  double base_momentum = 0.85;    // at the largest rate
  double max_momentum = 0.95;     // at the ends
  bool linear = false;            // straight lines in place of halves of cosines
  bool three_phase = false;       // first back down to the first rate, in as many steps as up, then on to the last

  /// throws UsageError unless 0 <= step < total_steps and 0 <= pct_start <= 1.
  double lr(Index step) const;
  /// throws as lr().
  double momentum(Index step) const;
};

}  // namespace fu
