// How long sums are split. The split depends on sizes alone, so results have the same bits for any number of threads.
#pragma once

#include "core/kernels/simd.h"

namespace fu::FU_ISA {

constexpr Index kBlock = 1 << 13;  // elements summed in float before the sums are added in double

/// Rows of a task, so that it has about kBlock elements.
static inline Index rows_per_task(Index row_length) { return imax(1, kBlock / imax(1, row_length)); }

// A kernel that also sums over rows cuts them into at most kGroups groups and adds the sums of the groups in order.
constexpr Index kGroups = 64;
static inline Index group_rows(Index rows, Index c) { return imax(rows_per_task(c), ceil_div(rows, kGroups)); }

/// Sum of x (n).
static inline real block_sum(const real* x, Index n) {
  Vec acc[4] = {};
  Index i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (Index j = 0; j < 4; ++j) acc[j] += load(x + i + j * kLanes);
  for (; i < n; i += kLanes) acc[0] += load_n(x + i, n - i);
  return hsum((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

}  // namespace fu::FU_ISA
