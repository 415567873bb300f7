#include "tools/media/fit_record.h"

#include <algorithm>
#include <cmath>

#include "core/ops.h"

namespace fu {

Tensor uncertainty_of(const FittedMap& fit) {
  if (!fit.extra.count("scale_net.net.weight")) return {};
  const Tensor low = fit.pca.components.size() > 0 ? fit.pca.project(fit.low) : fit.low;
  const Tensor weight = fit.extra.at("scale_net.net.weight").reshape({1, low.dim(3)}),
               bias = fit.extra.at("scale_net.net.bias");
  const Tensor uncertainty = unary(Unary::exp, linear(low, weight, bias)).reshape({low.dim(1), low.dim(2)});
  require<FileError>(
      std::all_of(uncertainty.data(), uncertainty.data() + uncertainty.size(), [](real x) { return std::isfinite(x); }),
      "the uncertainty of this fit is not finite: its scale_net does not belong to its features.");
  return uncertainty;
}

std::vector<double> history_of(const FittedMap& fit, HistoryColumn column) {
  std::vector<double> values;
  const auto it = fit.extra.find("history");
  if (it == fit.extra.end()) return values;
  const Tensor& rows = it->second;  // (N,4)
  for (Index i = 0; i < rows.dim(0); ++i)
    values.push_back(static_cast<double>(rows.data()[4 * i + static_cast<Index>(column)]));
  return values;
}

HistoryPlaces history_places(const FittedMap& fit) {
  HistoryPlaces steps{"steps", history_of(fit, HistoryColumn::steps)};
  const bool any = std::any_of(steps.values.begin(), steps.values.end(), [](double v) { return v > 0; });
  return any ? steps : HistoryPlaces{"views", history_of(fit, HistoryColumn::views)};
}

}  // namespace fu
