// Smoothing along links: products with symmetric matrices. The backward pass applies them in reverse order.
#include "autograd/gradient_cases.h"

namespace fu {

Var smooth(const Var& x, const std::shared_ptr<const LinkSmoother>& smoother) {
  Tensor y = x.value.clone();
  smoother->apply(y);
  return record("smooth", {x}, std::move(y), [smoother](const Gradient& g) {
    Tensor dx = g.dy.clone();
    smoother->apply_transposed(dx);
    g.add(0, dx);
  });
}

void gradient_cases_smooth(GradientCases& cases) {
  for (const Shape& shape : {Shape{1, 5, 7, 3}, Shape{1, 1, 9, 17}, Shape{1, 6, 1, 1}, Shape{1, 4, 3, 70}}) {
    const Tensor across = cases.positive({shape[1], shape[2]}), down = cases.positive({shape[1], shape[2]});
    const auto smoother = std::make_shared<const LinkSmoother>(across, down, 10);
    cases.add(shape.str(), {cases.normal(shape)},
              [smoother](const std::vector<Var>& x) { return smooth(x[0], smoother); });
  }
}

}  // namespace fu
