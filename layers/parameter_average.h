// The running mean of parameters over a training, which often predicts better than the last of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/parameter.h"

namespace fu {

class Weights;

/// Exponential moving average: average = decay * average + (1 - decay) * value, at each update(). It begins with the
/// values that the parameters have. source: arXiv 1703.01780; PyTorch's get_ema_multi_avg_fn
/// @code
/// Parameter p(Tensor::full({1}, 1));
/// ParameterAverage average({&p}, 0.9);
/// p.set(Tensor::full({1}, 2));  // what an optimizer's step does
/// average.update();
/// average.apply();              // p is 0.9 * 1 + 0.1 * 2
/// assert(std::abs(p.value.item() - 1.1) < 1e-6);
/// average.restore();            // p is 2 again
/// assert(p.value.item() == 2);
/// @endcode
class ParameterAverage {
 public:
  /// The parameters must outlive it. warm_up: the decay is at most (1 + n) / (10 + n) at the n-th update, so that the
  /// first, untrained values are soon forgotten. throws UsageError unless 0 <= decay < 1.
  ParameterAverage(const std::vector<Parameter*>& parameters, double decay, bool warm_up = false);

  /// Call it behind each step of the optimizer. throws UsageError between apply() and restore(). cost: reads the
  /// parameters once, and allocates nothing.
  void update();
  /// Calls of update() so far.
  Index updates() const { return updates_; }

  /// Gives the parameters the averages, and keeps their values for restore(). throws UsageError if it has done so.
  void apply();
  /// Gives the parameters their values back; without apply(), does nothing.
  void restore();
  /// Gives the averages to parameters of another model, in the same order. throws ShapeError unless they have the same
  /// shapes.
  void copy_to(const std::vector<Parameter*>& parameters) const;

  /// Adds "updates" and "average.0", "average.1", ... by the parameter's place in the list, behind prefix.
  void save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const;
  /// throws FileError, and changes nothing, if a tensor is missing or has another shape.
  void load(const Weights& weights, const std::string& prefix);

 private:
  std::vector<Parameter*> parameters_;
  std::vector<Tensor> averages_, values_;  // values_: of the parameters while the averages are applied
  double decay_;
  bool warm_up_;
  Index updates_ = 0;
};

}  // namespace fu
