// y = (x - mean) / deviation * weight + bias along the last axis. tools/book/4-layers.md derives the backward pass;
// core/kernels/normalize.cpp runs it.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var layer_norm(const Var& x, const Var& weight, const Var& bias, real eps) {
  return record("layer_norm", {x, weight, bias}, layer_norm(x.value, weight.value, bias.value, eps),
                [x = x.value, weight = weight.value, bias_shape = bias.shape(), eps](const Gradient& g) {
                  const Index c = x.dim(-1), rows = c > 0 ? x.size() / c : 0;
                  Tensor dx, dweight, dbias, scratch({kernels().layer_norm_scratch(rows, c) + 1});
                  if (g.wants(0)) dx = Tensor(x.shape());
                  if (g.wants(1)) dweight = Tensor(weight.shape());
                  if (g.wants(2)) dbias = Tensor(bias_shape);
                  kernels().layer_norm_backward(x.data(), weight.data(), g.dy.data(), dx.data(), dweight.data(),
                                                dbias.data(), rows, c, eps, scratch.data());
                  if (g.wants(0)) g.add(0, std::move(dx));
                  if (g.wants(1)) g.add(1, std::move(dweight));
                  if (g.wants(2)) g.add(2, std::move(dbias));
                });
}

void gradient_cases_layer_norm(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{17, 13}, Shape{2, 3, 8}, Shape{5, 33}, Shape{0, 4}, Shape{200, 3}}) {
    const Shape c{shape[-1]};
    cases.add(shape.str(), {cases.normal(shape), cases.normal(c), cases.normal(c)},
              [](In x) { return layer_norm(x[0], x[1], x[2], real(1e-5)); });
  }
  cases.add("one channel", {cases.normal({3, 1}), cases.normal({1}), cases.normal({1})},
            [](In x) { return layer_norm(x[0], x[1], x[2], 1); });
  cases.add("weight is bias", {cases.normal({6, 5}), cases.normal({5})},
            [](In x) { return layer_norm(x[0], x[1], x[1], real(1e-5)); });
}

}  // namespace fu
