// Dropout multiplies by a random mask, so its backward is that of a product with a constant. Where the mask is a
// function of a place, backward draws it again.
#include <algorithm>

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

/// x times its mask at a place.
Tensor dropped(const Tensor& x, real p, const DropoutPlace& place) {
  // A stream of its own for every step and layer.
  const Philox stream = philox(place.seed, place.step, place.layer);
  const std::uint64_t key = std::uint64_t{stream.word[0]} << 32 | stream.word[1],
                      high = std::uint64_t{stream.word[2]} << 32 | stream.word[3];
  Tensor y(x.shape());
  const real* const in = x.data();
  real* const out = y.data();
  const real kept = 1 / (1 - p);
  const Index n = x.size();
  // One counter gives four numbers.
  parallel_ranges((n + 3) / 4, Index{1} << 12, [&](Index begin, Index end) {
    for (Index block = begin; block < end; ++block) {
      const Philox words = philox(key, static_cast<std::uint64_t>(block), high);
      for (Index i = 4 * block; i < std::min(n, 4 * block + 4); ++i) {
        const real draw = static_cast<real>(words.word[i % 4] >> 8) * static_cast<real>(1.0 / 16777216.0);
        out[i] = draw < p ? 0 : in[i] * kept;
      }
    }
  });
  return y;
}

}  // namespace

Var dropout(const Var& x, real p, const DropoutPlace& place) {
  require<UsageError>(p >= 0 && p < 1, "[dropout] probability ", p, " must lie in [0, 1).");
  if (p == 0) return x;
  return record("dropout", {x}, dropped(x.value, p, place),
                [p, place](const Gradient& g) { g.add(0, dropped(g.dy, p, place)); });
}

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
  for (const Shape& shape : {Shape{4, 5}, Shape{3, 7}, Shape{0}})
    cases.add("by place " + shape.str(), {cases.normal(shape)}, [](In x) {
      return dropout(x[0], real(0.4), DropoutPlace{3, 1, 2});
    });
  cases.add("none", {cases.normal({4, 5})}, [](In x) {
    Random random(3);
    return dropout(x[0], 0, random);
  });
}

}  // namespace fu
