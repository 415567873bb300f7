// Lends parameters to a computation that moves them.
#pragma once

#include <vector>

#include "autograd/parameter.h"

namespace fu {

/// Takes gradients away from parameters; at its end gives values and gradients back as they were, also if there was an
/// exception.
class ParameterKeeper {
 public:
  explicit ParameterKeeper(const std::vector<Parameter*>& parameters) : parameters_(parameters) {
    for (Parameter* p : parameters) {
      values_.push_back(p->value);
      gradients_.push_back(p->grad);
      p->zero_grad();
    }
  }
  ~ParameterKeeper() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i]->set(values_[i]);
      parameters_[i]->grad = gradients_[i];
    }
  }
  ParameterKeeper(const ParameterKeeper&) = delete;
  ParameterKeeper& operator=(const ParameterKeeper&) = delete;

 private:
  std::vector<Parameter*> parameters_;
  std::vector<Tensor> values_, gradients_;
};

}  // namespace fu
