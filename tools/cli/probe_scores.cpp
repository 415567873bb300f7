#include "tools/cli/probe_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/files/bytes.h"

namespace fu {

namespace {

nlohmann::ordered_json number_or_null(double v) { return std::isfinite(v) ? nlohmann::ordered_json(v) : nullptr; }

std::string line(const char* format, double a, double b = 0, double c = 0) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

std::string padded(const std::string& name, std::size_t width) {
  const std::string text = printable(name);
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::size_t longest_of(const std::vector<std::string>& names) {
  std::size_t longest = 8;
  for (const std::string& name : names) longest = std::max(longest, printable(name).size());
  return longest;
}

}  // namespace

ProbeScores::ProbeScores(Probe::Kind kind, Index outputs)
    : kind_(kind),
      outputs_(outputs),
      confusion_(kind == Probe::Kind::classes ? outputs : 1),
      numbers_(usize(kind == Probe::Kind::numbers ? outputs : 0)) {}

void ProbeScores::add_pixel(const real* outputs, const real* target) {
  ++pixels_;
  if (kind_ == Probe::Kind::classes) {
    confusion_.add(static_cast<Index>(*target), std::max_element(outputs, outputs + outputs_) - outputs);
    return;
  }
  for (std::size_t k = 0; k < numbers_.size(); ++k)
    numbers_[k].add(static_cast<double>(outputs[k]), static_cast<double>(target[k]));
}

void ProbeScores::add(const Tensor& outputs, const Tensor& targets) {
  for (Index i = 0; i < targets.dim(0); ++i)
    add_pixel(outputs.data() + i * outputs_, targets.data() + i * targets.dim(1));
}

void ProbeScores::add(const Tensor& outputs, const PixelTargets& targets) {
  std::vector<real> target(usize(outputs_));
  for (Index p = 0; p < targets.height * targets.width; ++p) {
    if (!targets.known(p, outputs_)) continue;
    targets.copy(p, target.data());
    add_pixel(outputs.data() + p * outputs_, target.data());
  }
}

double ProbeScores::value() const {
  if (kind_ == Probe::Kind::classes) return confusion_.mean_iou();
  double sum = 0;
  for (const NumberScore& n : numbers_) sum += 1 - std::pow(n.rmse() / std::max(1e-12, n.deviation()), 2);
  return sum / static_cast<double>(numbers_.size());
}

nlohmann::ordered_json ProbeScores::json(const std::vector<std::string>& names) const {
  nlohmann::ordered_json all = {{"pixels", pixels_}};
  if (kind_ == Probe::Kind::classes) {
    all["mean_iou"] = number_or_null(100 * confusion_.mean_iou());
    all["accuracy"] = number_or_null(100 * confusion_.accuracy());
    for (Index c = 0; c < outputs_; ++c) {
      all["iou"].push_back(number_or_null(100 * confusion_.iou(c)));
      nlohmann::ordered_json row;
      for (Index k = 0; k < outputs_; ++k) row.push_back(confusion_.count(c, k));
      all["confusion"].push_back(row);
    }
    all["names"] = names;
    return all;
  }
  for (std::size_t k = 0; k < numbers_.size(); ++k) {
    const NumberScore& n = numbers_[k];
    all["numbers"].push_back({{"name", names[k]},
                              {"rmse", number_or_null(n.rmse())},
                              {"absolute_relative_error", number_or_null(n.relative_error())},
                              {"within_1.25", number_or_null(100 * n.within_quarter())},
                              {"deviation", number_or_null(n.deviation())}});
  }
  return all;
}

std::string ProbeScores::text(const std::vector<std::string>& names, const std::string& unit) const {
  const std::size_t width = longest_of(names);
  std::string text;
  if (kind_ == Probe::Kind::classes) {
    for (Index c = 0; c < outputs_; ++c)
      text += padded(names[usize(c)], width) + line("  IoU %5.1f %%\n", 100 * confusion_.iou(c));
    return text + padded("all", width) +
           line("  mean IoU %.2f %%, accuracy %.2f %%\n", 100 * confusion_.mean_iou(), 100 * confusion_.accuracy());
  }
  for (std::size_t k = 0; k < numbers_.size(); ++k) {
    const NumberScore& n = numbers_[k];
    text += padded(names[k], width) + line("  RMSE %.4g", n.rmse()) + (unit.empty() ? "" : " " + printable(unit)) +
            line(" (deviation of the labels %.4g)", n.deviation());
    if (std::isfinite(n.within_quarter()))
      text += line(", relative error %.1f %%, within a factor of 1.25: %.1f %%", 100 * n.relative_error(),
                   100 * n.within_quarter());
    text += "\n";
  }
  return text;
}

}  // namespace fu
