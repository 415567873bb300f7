#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

/// Windows, of which every third is dropped if `drop`: its saliency is NaN, because it may never have been computed.
struct PoolingInput {
  Index rows, n;
  bool noisy, drop;
  Tensor saliency, deviation, noise, w, b, keep, dy;

  PoolingInput(Random& random, Index rows_, Index n_, bool noisy_, bool drop_)
      : rows(rows_),
        n(n_),
        noisy(noisy_),
        drop(drop_),
        saliency(random.normal({rows, n})),
        deviation(random.uniform({rows, n}, 0, 1)),
        noise(random.normal({rows, n})),
        w(random.normal({n})),
        b(random.normal({n})),
        keep(Tensor::full({rows}, 1)),
        dy(random.normal({rows, n})) {
    for (Index r = 0; drop && r < rows; r += 3) {
      keep.data()[r] = 0;
      for (Index i = 0; i < n; ++i) saliency.data()[r * n + i] = kNan;
    }
  }
  PoolingAttentionArgs args() const {
    PoolingAttentionArgs g;
    g.rows = rows, g.n = n, g.saliency = saliency.data(), g.w = w.data(), g.b = b.data(), g.bias = real(0.3);
    if (noisy) g.deviation = deviation.data(), g.noise = noise.data();
    if (drop) g.keep = keep.data();
    return g;
  }
  std::string name() const { return label({{"rows", rows}, {"n", n}, {"noisy", noisy}, {"drop", drop}}); }
};

template <class F>
void for_inputs(KernelCases& cases, const F& f) {
  for (Index n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 33, 841})
    for (Index rows : {0, 1, 70})
      for (bool noisy : {false, true})
        for (bool drop : {false, true}) f(PoolingInput(cases.random, rows, n, noisy, drop));
}

}  // namespace

void kernel_cases_pooling_attention(KernelCases& cases) {
  for_inputs(cases, [&](const PoolingInput& in) {
    const auto run = [=](const Kernels& k) {
      Tensor y = outputs(in.rows * in.n);
      k.pooling_attention(in.args(), y.data());
      return y;
    };
    cases.add(in.name(), run, 1e-5);
  });
}

void kernel_cases_pooling_attention_backward(KernelCases& cases) {
  for_inputs(cases, [&](const PoolingInput& in) {
    Tensor y({in.rows * in.n + 1});
    all_kernels().front()->pooling_attention(in.args(), y.data());
    const auto run = [=](const Kernels& k) {
      const PoolingAttentionArgs g = in.args();
      Tensor ds = outputs(in.rows * in.n), dd = outputs(in.rows * in.n), dw = outputs(in.n), db = outputs(in.n);
      Tensor dbias = outputs(1), scratch = scratch_of(k.pooling_attention_scratch(g));
      k.pooling_attention_backward(g, y.data(), in.dy.data(), ds.data(), in.noisy ? dd.data() : nullptr, dw.data(),
                                   db.data(), dbias.data(), scratch.data());
      return joined({ds, dd, dw, db, dbias});
    };
    // The softmax of one element has a gradient of 0.
    cases.add(in.name(), run, in.n == 1 ? 1e-6 : 5e-5);
  });
}

}  // namespace fu::test
