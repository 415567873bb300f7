// Rows by their positions. The gradients of a row that is taken often add up in the order of the positions.
#include <algorithm>

#include "autograd/gradient_cases.h"
#include "core/isa.h"
#include "core/ops/gather.h"
#include "core/parallel.h"

namespace fu {

Var gather(const Var& x, std::shared_ptr<const std::vector<Index>> rows) {
  Tensor y = gather(x.value, rows);
  const Index n = y.dim(0), run = y.shape().elements(1, y.rank());
  return record("gather", {x}, std::move(y), [rows, from = x.shape(), n, run](const Gradient& g) {
    Tensor dx = Tensor::zeros(from);
    // A task owns some columns of all rows, so no two tasks write to the same place.
    parallel_ranges(run, 64, [&](Index begin, Index end) {
      for (Index i = 0; i < n; ++i) {
        real* to = dx.data() + (*rows)[usize(i)] * run + begin;
        kernels().binary(Binary::add, to, 1, g.dy.data() + i * run + begin, 1, to, end - begin);
      }
    });
    g.add(0, std::move(dx));
  });
}

void gradient_cases_gather(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const auto rows = std::make_shared<const std::vector<Index>>(std::vector<Index>{3, 0, 3, 2, 3});
  cases.add("rows, some often", {cases.normal({5, 4})}, [rows](In x) { return gather(x[0], rows); });
  const auto none = std::make_shared<const std::vector<Index>>();
  cases.add("none", {cases.normal({5, 4})}, [none](In x) { return gather(x[0], none); });
}

}  // namespace fu
