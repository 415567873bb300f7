// Chapter 8: the identities, and what they save.
#pragma once

#include "core/ops/axis_map.h"
#include "core/tensor.h"

namespace fu::book {

/// Each checks one identity, and says so. throws UsageError if it does not hold.
void check_channels();
void check_fold();
void check_softmax();
void check_maps();
void check_windows();
void check_sums();

/// Each measures the time before and after.
void time_channels();
void time_fold();
void time_maps();
void time_windows();
void time_sums();
void time_stack();

}  // namespace fu::book
