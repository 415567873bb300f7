#include "layers/parameter_average.h"

#include <algorithm>
#include <cmath>

#include "core/files/weights.h"
#include "core/parallel.h"

namespace fu {

ParameterAverage::ParameterAverage(const std::vector<Parameter*>& parameters, double decay, bool warm_up)
    : parameters_(parameters), decay_(decay), warm_up_(warm_up) {
  require<UsageError>(decay >= 0 && decay < 1, "[average] decay ", decay, " must lie in [0, 1).");
  for (const Parameter* p : parameters) averages_.push_back(p->value.clone());
}

void ParameterAverage::update() {
  require<UsageError>(values_.empty(), "[average] the averages are applied. restore() the values before update().");
  ++updates_;
  const auto n = static_cast<double>(updates_);
  const auto weight = static_cast<real>(1 - (warm_up_ ? std::min(decay_, (1 + n) / (10 + n)) : decay_));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    require<ShapeError>(parameters_[i]->value.shape() == averages_[i].shape(), "[average] parameter '",
                        parameters_[i]->name, "' is ", parameters_[i]->value.shape(), " now and was ",
                        averages_[i].shape(), ". Make a new average.");
    if (!averages_[i].unique()) averages_[i] = averages_[i].clone();  // a saved or applied one keeps its values
    real* const average = averages_[i].data();
    const real* const value = std::as_const(parameters_[i]->value).data();
    parallel_ranges(averages_[i].size(), Index{1} << 14, [&](Index begin, Index end) {
      for (Index e = begin; e < end; ++e) average[e] += weight * (value[e] - average[e]);
    });
  }
}

void ParameterAverage::apply() {
  require<UsageError>(values_.empty(), "[average] the averages are applied already.");
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    values_.push_back(parameters_[i]->value);
    parameters_[i]->set(averages_[i]);
  }
}

void ParameterAverage::restore() {
  for (std::size_t i = 0; i < values_.size(); ++i) parameters_[i]->set(values_[i]);
  values_.clear();
}

void ParameterAverage::copy_to(const std::vector<Parameter*>& parameters) const {
  require<ShapeError>(parameters.size() == averages_.size(), "[average] ", averages_.size(), " averages for ",
                      parameters.size(), " parameters: must be as many.");
  for (std::size_t i = 0; i < parameters.size(); ++i)
    require<ShapeError>(parameters[i]->value.shape() == averages_[i].shape(), "[average] parameter '",
                        parameters[i]->name, "' is ", parameters[i]->value.shape(), ", its average ",
                        averages_[i].shape(), ". Give the parameters in the same order.");
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i]->set(averages_[i].clone());
}

namespace {

std::string average_name(const std::string& prefix, std::size_t i) { return prefix + "average." + std::to_string(i); }

// A count in two numbers below 2^24, which floats hold exactly.
constexpr Index kPart = Index{1} << 24;

}  // namespace

void ParameterAverage::save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const {
  tensors[prefix + "updates"] =
      Tensor::from({2}, {static_cast<real>(updates_ / kPart), static_cast<real>(updates_ % kPart)});
  for (std::size_t i = 0; i < averages_.size(); ++i) tensors[average_name(prefix, i)] = averages_[i].clone();
}

void ParameterAverage::load(const Weights& weights, const std::string& prefix) {
  const Tensor count = weights.read(prefix + "updates", {2});
  for (Index i = 0; i < 2; ++i) {
    const real part = count.data()[i];
    require<FileError>(part >= 0 && part < static_cast<real>(kPart) && part == std::floor(part), weights.path(), ": '",
                       prefix, "updates' holds ", part, ": no part of a count.");
  }
  std::vector<Tensor> loaded;
  for (std::size_t i = 0; i < averages_.size(); ++i)
    loaded.push_back(weights.read(average_name(prefix, i), averages_[i].shape()));
  averages_ = std::move(loaded);
  updates_ = static_cast<Index>(count.data()[0]) * kPart + static_cast<Index>(count.data()[1]);
}

}  // namespace fu
