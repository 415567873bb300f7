// What a fit keeps beside its map: how sure it is of each position, and how it went.
#pragma once

#include <string>
#include <vector>

#include "featup/fit/fitted_map.h"

namespace fu {

/// The uncertainty that was learned for each low-resolution position, (h,w); of size 0 if the fit has none.
Tensor uncertainty_of(const FittedMap& fit);

/// A column of the fit's history, from its first look at the held-out views to its last; empty if it keeps none.
enum class HistoryColumn { views = 0, steps = 1, loss = 2, explained = 3 };
std::vector<double> history_of(const FittedMap& fit, HistoryColumn column);
/// What the history is told over: steps where the fit made some, else views.
struct HistoryPlaces {
  std::string name;
  std::vector<double> values;
};
HistoryPlaces history_places(const FittedMap& fit);

}  // namespace fu
