// d[i,j] = |x_i - x_j|^2. With S = dd + dd^T, dx_i = 2 (sum over j of S_ij) x_i - 2 sum over j of S_ij x_j.
#include "autograd/gradient_cases.h"
#include "core/parallel.h"

namespace fu {

Var pairwise_squared_distances(const Var& x) {
  require<ShapeError>(x.rank() == 3, "[pairwise_squared_distances] x ", x.shape(), " must be (B,n,C).");
  const Index b = x.dim(0), n = x.dim(1), c = x.dim(2);
  Tensor y({b, n, n});
  // From differences: |x|^2 + |y|^2 - 2 x.y would lose its digits for vectors that are close together.
  parallel_for(b * n, [&](Index row) {
    const real *p = x.value.data() + row * c, *q = x.value.data() + row / n * n * c;
    for (Index j = 0; j < n; ++j) {
      real total = 0;
      for (Index t = 0; t < c; ++t) total += (p[t] - q[j * c + t]) * (p[t] - q[j * c + t]);
      y.data()[row * n + j] = total;
    }
  });
  return record("pairwise_squared_distances", {x}, std::move(y), [x = x.value](const Gradient& g) {
    const Tensor s = g.dy + g.dy.permute({0, 2, 1});
    g.add(0, unary(Unary::affine, sum(s, -1) * x - matmul(s, x), 2));
  });
}

void gradient_cases_pairwise_distances(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{2, 5, 3}, Shape{1, 1, 4}, Shape{1, 9, 17}})
    cases.add(shape.str(), {cases.normal(shape)}, [](In x) { return pairwise_squared_distances(x[0]); });
}

}  // namespace fu
