// Smallest and largest of each channel. The gradient goes to the extreme element; equal ones share it.
#include <algorithm>

#include "autograd/gradient_cases.h"
#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

Var extreme(const char* op, const Var& x, bool largest) {
  require<ShapeError>(x.rank() >= 1 && x.size() > 0, "[", op, "] x ", x.shape(), " must have elements.");
  const Index c = x.dim(-1), n = x.size() / c;
  Tensor low({c}), high({c});
  kernels().min_max(x.value.data(), low.data(), high.data(), n, c);
  Tensor y = largest ? high : low;
  return record(op, {x}, y, [x = x.value, y, n, c](const Gradient& g) {
    // The share of each of a channel's extreme elements. Where the extreme is NaN, so is the gradient.
    Tensor share = Tensor::zeros({c}), dx(x.shape());
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < c; ++k) share.data()[k] += x.data()[i * c + k] == y.data()[k] ? real(1) : real(0);
    for (Index k = 0; k < c; ++k)
      share.data()[k] = y.data()[k] == y.data()[k] ? g.dy.data()[k] / share.data()[k] : y.data()[k];
    const real *in = x.data(), *extreme = y.data(), *part = share.data();
    real* const out = dx.data();
    parallel_ranges(n, std::max<Index>(1, 16384 / c), [=](Index begin, Index end) {
      for (Index i = begin * c; i < end * c; i += c)
        for (Index k = 0; k < c; ++k)
          out[i + k] = in[i + k] == extreme[k] ? part[k] : extreme[k] == extreme[k] ? 0 : part[k];
    });
    g.add(0, std::move(dx));
  });
}

}  // namespace

Var smallest(const Var& x) { return extreme("smallest", x, false); }
Var largest(const Var& x) { return extreme("largest", x, true); }

void gradient_cases_extremes(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{2, 5, 3}, Shape{1, 1}, Shape{40, 9}}) {
    cases.add("smallest " + shape.str(), {cases.normal(shape)}, [](In x) { return smallest(x[0]); });
    cases.add("largest " + shape.str(), {cases.normal(shape)}, [](In x) { return largest(x[0]); });
  }
}

}  // namespace fu
