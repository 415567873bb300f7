// Three numbers of every vector in one pass over it: its norm, its dot product with v, and the energy of that product,
// the sum of the squares of its terms. Dropout of the terms with probability p gives the product a variance of
// p / (1 - p) times the energy.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var norm_dot_energy(const Var& x, const Var& v) {
  require<ShapeError>(x.rank() >= 1 && v.shape() == Shape{x.dim(-1)}, "[norm_dot_energy] x ", x.shape(), ", v ",
                      v.shape(), ": must be (..,C) and (C).");
  const Index c = x.dim(-1), rows = c > 0 ? x.size() / c : 0;
  Shape shape = x.shape();
  shape.set(-1, 3);
  Tensor y(shape);
  kernels().norm_dot_energy(x.value.data(), v.value.data(), y.data(), rows, c);
  return record("norm_dot_energy", {x, v}, y, [x = x.value, v = v.value, y, rows, c](const Gradient& g) {
    bool fresh = true;
    Tensor dx, dv, scratch({kernels().norm_dot_energy_scratch(rows, c) + 1});
    if (g.wants(0)) dx = g.target(0, fresh);
    if (g.wants(1)) dv = Tensor(v.shape());
    kernels().norm_dot_energy_backward(x.data(), v.data(), y.data(), g.dy.data(), dx.data(), !fresh, dv.data(), rows, c,
                                       scratch.data());
    if (g.wants(0)) g.set(0, std::move(dx));
    if (g.wants(1)) g.add(1, std::move(dv));
  });
}

void gradient_cases_norm_dot_energy(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{300, 7}, Shape{1, 3, 2, 33}, Shape{0, 4}})
    cases.add(shape.str(), {cases.normal(shape), cases.normal({shape[-1]})},
              [](In in) { return norm_dot_energy(in[0], in[1]); });
  cases.add("twice", {cases.normal({5, 9}), cases.normal({9})},
            [](In in) { return norm_dot_energy(in[0], in[1]) + norm_dot_energy(affine(in[0], 2), in[1]); });
}

}  // namespace fu
