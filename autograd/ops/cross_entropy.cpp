// Cross-entropy of a softmax: loss = mean of -log p[label], and its gradient at the logits is (p - one at the label) /
// N.
#include <algorithm>
#include <cmath>

#include "autograd/gradient_cases.h"
#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Var cross_entropy(const Var& logits, std::shared_ptr<const std::vector<Index>> labels) {
  require<ShapeError>(logits.rank() == 2 && static_cast<Index>(labels->size()) == logits.dim(0),
                      "[cross_entropy] logits ", logits.shape(), ", ", labels->size(), " labels: must be (N,K) and N.");
  const Index n = logits.dim(0), k = logits.dim(1);
  const Tensor p = softmax(logits.value, -1);
  double total = 0;
  Index counted = 0;
  for (Index i = 0; i < n; ++i) {
    const Index label = (*labels)[usize(i)];
    require<ShapeError>(label < k, "[cross_entropy] label ", label, " for ", k, " classes.");
    if (label < 0) continue;
    // Computed as log p directly: where p rounds to 0, its logarithm is still finite.
    const real* row = logits.value.data() + i * k;
    double top = static_cast<double>(row[0]), sum = 0;
    for (Index j = 0; j < k; ++j) top = std::max(top, static_cast<double>(row[j]));
    for (Index j = 0; j < k; ++j) sum += std::exp(static_cast<double>(row[j]) - top);
    total += top + std::log(sum) - static_cast<double>(row[label]);
    ++counted;
  }
  Tensor y = Tensor::full({}, static_cast<real>(counted ? total / static_cast<double>(counted) : 0));
  return record("cross_entropy", {logits}, std::move(y), [p, labels, n, k, counted](const Gradient& g) {
    Tensor dx = Tensor::zeros(p.shape());
    const real scale = counted ? g.dy.item() / static_cast<real>(counted) : 0;
    parallel_ranges(n, std::max<Index>(1, 16384 / std::max<Index>(1, k)), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index label = (*labels)[usize(i)];
        if (label < 0) continue;
        real* row = dx.data() + i * k;
        kernels().unary(Unary::affine, p.data() + i * k, row, k, scale, 0);
        row[label] -= scale;
      }
    });
    g.add(0, std::move(dx));
  });
}

void gradient_cases_cross_entropy(GradientCases& cases) {
  using In = const std::vector<Var>&;
  const auto labels = std::make_shared<const std::vector<Index>>(std::vector<Index>{2, 0, -1, 4, 4});
  cases.add("five classes", {cases.normal({5, 5})}, [labels](In x) { return cross_entropy(x[0], labels); });
}

}  // namespace fu
