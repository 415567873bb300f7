// The cases on which an op's gradients are checked; each op's file ends with its own. The test program collects those
// of every op in ops.def. It compares gradients with finite differences, results with different numbers of threads, and
// kernels with their reference versions.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"

namespace fu {

struct GradientCase {
  std::string name;
  std::vector<Tensor> inputs;
  std::function<Var(const std::vector<Var>&)> f;
};

class GradientCases {
 public:
  /// f must give the same result for the same inputs.
  void add(std::string name, std::vector<Tensor> inputs, std::function<Var(const std::vector<Var>&)> f) {
    cases.push_back({std::move(name), std::move(inputs), std::move(f)});
  }
  Tensor normal(const Shape& shape) { return random_.normal(shape); }
  /// Values away from zero, for divisors, logarithms and roots.
  Tensor positive(const Shape& shape) { return random_.uniform(shape, real(0.5), 2); }

  std::vector<GradientCase> cases;

 private:
  Random random_{11};
};

#define FU_OP(name) void gradient_cases_##name(GradientCases& cases);
#include "autograd/ops.def"
#undef FU_OP

}  // namespace fu
