// y = x / rms * weight along the last axis. With n = x / rms and h = dy * weight: dx = (h - n mean(h n)) / rms, because
// the norm removes the length of x; dweight = sum of dy n.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var rms_norm(const Var& x, const Var& weight, real eps) {
  return record("rms_norm", {x, weight}, rms_norm(x.value, weight.value, eps),
                [x = x.value, weight = weight.value, eps](const Gradient& g) {
                  const Index c = x.dim(-1), rows = c > 0 ? x.size() / c : 0;
                  Tensor dx, dweight, scratch({kernels().rms_norm_scratch(rows, c) + 1});
                  if (g.wants(0)) dx = Tensor(x.shape());
                  if (g.wants(1)) dweight = Tensor(weight.shape());
                  kernels().rms_norm_backward(x.data(), weight.data(), g.dy.data(), dx.data(), dweight.data(), rows, c,
                                              eps, scratch.data());
                  if (g.wants(0)) g.add(0, std::move(dx));
                  if (g.wants(1)) g.add(1, std::move(dweight));
                });
}

void gradient_cases_rms_norm(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{17, 13}, Shape{2, 3, 8}, Shape{5, 33}, Shape{0, 4}, Shape{200, 3}})
    cases.add(shape.str(), {cases.normal(shape), cases.normal({shape[-1]})},
              [](In x) { return rms_norm(x[0], x[1], real(1e-2)); });
}

}  // namespace fu
