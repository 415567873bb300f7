// What Tape::on_gradient() keeps.
#pragma once

#include <functional>
#include <vector>

#include "autograd/tape.h"
#include "core/ops.h"

namespace fu {

struct Tape::Hooks {
  struct Hook {
    int node;
    std::function<void(Tensor&)> f;
    Tensor before;  // of a parameter: the gradient that earlier tapes have added up
  };
  std::vector<Hook> list;  // during backward: the last node first
  std::size_t next = 0;
};

}  // namespace fu
