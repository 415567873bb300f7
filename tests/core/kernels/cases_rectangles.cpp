#include "core/ops/rectangles.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

constexpr Index kBatch = 2, kHeight = 29, kWidth = 50;

/// More rectangles over one tile than are computed at a time, some of them equal; or none.
Rectangles some(Random& random, bool any) {
  Rectangles list(kBatch, kHeight, kWidth);
  for (Index i = 0; any && i < 130; ++i) {
    const Index rows = 1 + random.below(20), cols = 1 + random.below(30);
    list.add(i % 2, random.below(kHeight + 1 - rows), random.below(kWidth + 1 - cols), rows, cols);
  }
  for (Index i = 0; any && i < 100; ++i) list.add(0, 2, 3, 5, 7);
  list.finish();
  return list;
}

/// Rectangles, an image and what belongs to each rectangle, for every number of channels.
template <class F>
void for_sizes(KernelCases& cases, const F& f) {
  for (bool any : {true, false})
    for (Index c : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 40, 401}) {
      const Rectangles list = some(cases.random, any);
      f(list, c, label({{"rectangles", list.count()}, {"c", c}}));
    }
}

/// Arguments with scratch memory.
struct Arguments {
  RectangleArgs args;
  Tensor scratch;
  Arguments(const Kernels& k, const Rectangles& list, Index c)
      : args(list.arguments(c)), scratch(scratch_of(k.rectangle_scratch(args))) {
    args.scratch = scratch.data();
  }
};

constexpr double kClose = sizeof(real) == 8 ? 1e-12 : 1e-5;

}  // namespace

void kernel_cases_rectangle_sums(KernelCases& cases) {
  for_sizes(cases, [&](const Rectangles& list, Index c, const std::string& name) {
    const Tensor x = cases.random.normal({kBatch, kHeight, kWidth, c}), weights = cases.random.normal({list.weights()});
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(list.count() * c);
      k.rectangle_sums(x.data(), weights.data(), y.data(), Arguments(k, list, c).args);
      return y;
    };
    cases.add(name, run, kClose);
  });
}

void kernel_cases_rectangle_sums_backward_input(KernelCases& cases) {
  for_sizes(cases, [&](const Rectangles& list, Index c, const std::string& name) {
    const Tensor x = cases.random.normal({kBatch, kHeight, kWidth, c}), weights = cases.random.normal({list.weights()}),
                 dy = cases.random.normal({list.count(), c});
    for (bool accumulate : {false, true}) {
      const auto run = [=](const Kernels& k) {
        Tensor dx = accumulate ? outputs_like(x) : outputs(x.size());
        const Arguments a(k, list, c);
        k.rectangle_sums_backward_input(weights.data(), dy.data(), dx.data(), accumulate, a.args);
        return dx;
      };
      cases.add(name + (accumulate ? ", accumulated" : ""), run, kClose);
    }
  });
}

void kernel_cases_rectangle_products(KernelCases& cases) {
  for_sizes(cases, [&](const Rectangles& list, Index c, const std::string& name) {
    const Tensor x = cases.random.normal({kBatch, kHeight, kWidth, c}), v = cases.random.normal({list.count(), c});
    const auto run = [=](const Kernels& k) {
      Tensor products = outputs(list.weights());
      k.rectangle_products(x.data(), v.data(), products.data(), Arguments(k, list, c).args);
      return products;
    };
    cases.add(name, run, kClose);
  });
}

}  // namespace fu::test
