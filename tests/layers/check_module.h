// Gradients of a whole network against finite differences.
#pragma once

#include <functional>

#include "autograd/ops.h"
#include "layers/module.h"
#include "tests/support.h"

namespace fu::test {

/// Central differences of a scalar along random directions of all parameters together; in double builds. `step`: of the
/// differences; smaller where functions have kinks, so that few of them are crossed.
inline void check_module(Module& module, const std::function<Var()>& loss, [[maybe_unused]] real step = real(1e-5)) {
#ifdef FU_REAL_DOUBLE
  const std::vector<Parameter*> parameters = module.parameters();
  for (Parameter* p : parameters) p->zero_grad();
  {
    Tape tape;
    backward(loss());
  }
  Random random(5);
  for (Parameter* p : parameters) {
    CAPTURE(p->name);
    if (!p->trainable) continue;
    REQUIRE(p->has_grad());
    const Tensor before = p->value, direction = random.normal(before.shape());
    p->set(before + unary(Unary::affine, direction, step));
    const double above = loss().value.item();
    p->set(before - unary(Unary::affine, direction, step));
    const double below = loss().value.item();
    p->set(before);
    double actual = 0, scale = 0;
    for (Index i = 0; i < direction.size(); ++i) {
      actual += p->grad.data()[i] * direction.data()[i];
      scale += std::abs(p->grad.data()[i] * direction.data()[i]);
    }
    CHECK(std::abs(actual - (above - below) / (2 * step)) <= 1e-6 * std::max(0.1, scale));
  }
#else
  for (Parameter* p : module.parameters()) p->zero_grad();
  Tape tape;
  backward(loss());
  for (Parameter* p : module.parameters()) {
    CAPTURE(p->name);
    if (p->trainable) CHECK(p->has_grad());
  }
#endif
}

}  // namespace fu::test
