// y = (x - mean) / deviation * weight + bias with the statistics of each image and group of channels. The backward pass
// is that of layer_norm (tools/book/4-layers.md derives it) with sums over all pixels of a group: every channel's
// gradient is then dy p + x q + r with three numbers (core/ops/group_norm.cpp).
#include "autograd/gradient_cases.h"

namespace fu {

Var group_norm(const Var& x, const Var& weight, const Var& bias, Index groups, real eps) {
  return record("group_norm", {x, weight, bias}, group_norm(x.value, weight.value, bias.value, groups, eps),
                [x = x.value, weight = weight.value, groups, eps](const Gradient& g) {
                  GroupNormGradients d = group_norm_backward(x, weight, g.dy, groups, eps, g.wants(0));
                  if (g.wants(0)) g.add(0, std::move(d.dx));
                  if (g.wants(1)) g.add(1, std::move(d.dweight));
                  if (g.wants(2)) g.add(2, std::move(d.dbias));
                });
}

void gradient_cases_group_norm(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Shape shape;
    Index groups;
  };
  for (const Case& c : {Case{{2, 5, 3, 8}, 4}, Case{{1, 20, 11, 6}, 2}, Case{{3, 7, 5}, 5}, Case{{2, 9, 33}, 3},
                        Case{{0, 4, 4}, 2}, Case{{1, 300, 4}, 1}}) {
    const Shape channels{c.shape[-1]};
    cases.add(c.shape.str(), {cases.normal(c.shape), cases.normal(channels), cases.normal(channels)},
              [groups = c.groups](In x) { return group_norm(x[0], x[1], x[2], groups); });
    cases.add("no weights " + c.shape.str(), {cases.normal(c.shape)},
              [groups = c.groups](In x) { return group_norm(x[0], Tensor(), Tensor(), groups, real(0.1)); });
  }
}

}  // namespace fu
