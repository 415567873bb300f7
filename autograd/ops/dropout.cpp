// Dropout multiplies by a random mask, so its backward is that of a product with a constant.
#include "autograd/gradient_cases.h"
#include "core/parallel.h"

namespace fu {

namespace {

Var masked(const char* op, const Var& x, real p, Random& random, const Shape& mask_shape) {
  require<UsageError>(p >= 0 && p < 1, "[", op, "] probability ", p, " must lie in [0, 1).");
  if (p == 0) return x;
  // 0 where the draw is below p, else 1 / (1 - p): what remains keeps its mean.
  Tensor mask = random.uniform(mask_shape, 0, 1);
  real* const m = mask.data();
  const real kept = 1 / (1 - p);
  parallel_ranges(mask.size(), Index{1} << 14, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) m[i] = m[i] < p ? 0 : kept;
  });
  return x * Var(mask);
}

}  // namespace

Var dropout(const Var& x, real p, Random& random) { return masked("dropout", x, p, random, x.shape()); }

Var channel_dropout(const Var& x, real p, Random& random) {
  require<ShapeError>(x.rank() >= 2, "[channel_dropout] x ", x.shape(), " must be (B,..,C).");
  Shape mask = x.shape();
  for (int i = 1; i + 1 < x.rank(); ++i) mask.set(i, 1);
  return masked("channel_dropout", x, p, random, mask);
}

void gradient_cases_dropout(GradientCases& cases) {
  using In = const std::vector<Var>&;
  cases.add("elements", {cases.normal({4, 5})}, [](In x) {
    Random random(3);
    return dropout(x[0], real(0.4), random);
  });
  cases.add("channels", {cases.normal({2, 3, 4, 5})}, [](In x) {
    Random random(3);
    return channel_dropout(x[0], real(0.4), random);
  });
  cases.add("none", {cases.normal({4, 5})}, [](In x) {
    Random random(3);
    return dropout(x[0], 0, random);
  });
}

}  // namespace fu
