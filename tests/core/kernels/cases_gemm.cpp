#include "core/ops/conv.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct ProductSize {
  Index m, k, n;
};
// Around tiles of 4, 6 and 12 rows and of 2 vectors of columns, beyond one block of k and one task, and empty.
const ProductSize kProducts[] = {{1, 1, 1},     {5, 3, 2},     {6, 16, 16},  {7, 17, 33},  {13, 9, 31}, {4, 8, 7},
                                 {12, 5, 8},    {3, 0, 4},     {0, 3, 4},    {4, 3, 0},    {3, 4, 9},   {11, 7, 15},
                                 {25, 800, 40}, {97, 303, 65}, {200, 64, 1}, {1, 385, 600}};

/// A, B, bias and what C holds before.
struct ProductInput {
  ProductSize size;
  Tensor a, b, bias, c;
  ProductInput(Random& random, ProductSize s)
      : size(s),
        a(random.normal({s.m, s.k})),
        b(random.normal({s.k, s.n})),
        bias(random.normal({s.n})),
        c(random.normal({s.m, s.n})) {}
  GemmArgs args(Tensor& out) const {
    GemmArgs g;
    g.m = size.m, g.k = size.k, g.n = size.n;
    g.a = a.data(), g.a_row = size.k, g.a_col = 1;
    g.b = b.data(), g.b_row = size.n, g.b_col = 1;
    g.c = out.data(), g.ldc = size.n;
    return g;
  }
  std::string name() const { return label({{"m", size.m}, {"k", size.k}, {"n", size.n}}); }
};

/// Supplies scratch memory and calls the kernel.
void product(const Kernels& k, GemmArgs g) {
  Tensor scratch = scratch_of(k.gemm_scratch(g));
  g.scratch = scratch.data();
  k.gemm(g);
}

Tensor packed_b(const Kernels& k, const ProductInput& in, bool by_columns) {
  Tensor packed = outputs(k.gemm_packed_size(in.size.k, in.size.n));
  const Tensor columns = in.b.permute({1, 0});
  k.gemm_pack(by_columns ? columns.data() : in.b.data(), by_columns ? 1 : in.size.n, by_columns ? in.size.k : 1,
              in.size.k, in.size.n, packed.data());
  return packed;
}

}  // namespace

/// The packed layout is each target's own, so it is tested by a product with it.
void kernel_cases_gemm_pack(KernelCases& cases) {
  for (const ProductSize& s : kProducts)
    for (bool by_columns : {false, true}) {
      const ProductInput in(cases.random, s);
      const auto run = [=](const Kernels& k) {
        Tensor c = outputs(s.m * s.n);
        const Tensor packed = packed_b(k, in, by_columns);
        GemmArgs g = in.args(c);
        g.b = nullptr, g.packed_b = packed.data();
        product(k, g);
        return c;
      };
      cases.add(in.name() + (by_columns ? ", B by columns" : ""), run, 4e-6);
    }
}

namespace {

/// Products of windows of images with packed weights: convolutions.
void windows(KernelCases& cases) {
  struct Size {
    Index h, w, c, n, kernel, stride, pad, dilation;
  };
  for (const Size& s : {Size{9, 11, 5, 7, 3, 1, 1, 1},
                        {9, 11, 64, 33, 3, 2, 1, 1},
                        {14, 17, 3, 20, 7, 2, 3, 1},
                        {8, 9, 17, 5, 1, 2, 0, 1},
                        {9, 8, 48, 40, 3, 1, 2, 2},
                        {6, 7, 100, 5, 3, 1, 4, 4},
                        {8, 8, 3, 4, 4, 4, 0, 1},
                        {3, 3, 2, 3, 3, 1, 2, 1}})
    for (bool accumulate : {false, true}) {
      const WindowArgs g = windows_on({2, s.h, s.w, s.c}, s.kernel, s.kernel, s.stride, s.pad, s.dilation);
      const Index m = 2 * g.rows * g.cols, k = s.kernel * s.kernel * s.c;
      const Tensor x = cases.random.normal({2, s.h, s.w, s.c}), w = cases.random.normal({k, s.n}),
                   c = cases.random.normal({m, s.n}), bias = cases.random.normal({s.n});
      const auto run = [=](const Kernels& table) {
        Tensor out = accumulate ? outputs_like(c) : outputs(m * s.n);
        Tensor packed = outputs(table.gemm_packed_size(k, s.n));
        table.gemm_pack(w.data(), s.n, 1, k, s.n, packed.data());
        GemmArgs args;
        args.m = m, args.k = k, args.n = s.n;
        args.a = x.data(), args.windows = &g, args.packed_b = packed.data();
        args.c = out.data(), args.ldc = s.n;
        args.bias = bias.data(), args.activation = Activation::relu, args.accumulate = accumulate;
        product(table, args);
        return out;
      };
      cases.add(label({{"h", s.h}, {"c", s.c}, {"kernel", s.kernel}, {"stride", s.stride}, {"dilation", s.dilation}}) +
                    label({{", accumulate", accumulate}}),
                run, 1e-5);
    }
}

}  // namespace

void kernel_cases_gemm(KernelCases& cases) {
  for (const ProductSize& s : kProducts) {
    const ProductInput in(cases.random, s);
    for (Activation act : {Activation::none, Activation::relu, Activation::gelu, Activation::quick_gelu,
                           Activation::tanh_gelu, Activation::silu})
      for (bool accumulate : {false, true}) {
        const auto run = [=](const Kernels& k) {
          Tensor c = accumulate ? outputs_like(in.c) : outputs(s.m * s.n);
          GemmArgs g = in.args(c);
          g.bias = in.bias.data(), g.activation = act, g.accumulate = accumulate;
          product(k, g);
          return c;
        };
        cases.add(in.name() + label({{", activation", static_cast<Index>(act)}, {"accumulate", accumulate}}), run,
                  1e-5);
      }
    const auto transposed = [=](const Kernels& k) {
      Tensor c = outputs(s.m * s.n);
      const Tensor columns = in.a.permute({1, 0});
      GemmArgs g = in.args(c);
      g.a = columns.data(), g.a_row = 1, g.a_col = s.m;
      product(k, g);
      return c;
    };
    cases.add(in.name() + ", A by columns", transposed, 4e-6);
  }
  windows(cases);
  // Long sums with a small result, which are cut along k.
  const ProductInput in(cases.random, {5, 9001, 35});
  for (bool accumulate : {false, true}) {
    const auto run = [=](const Kernels& k) {
      Tensor c = accumulate ? outputs_like(in.c) : outputs(5 * 35);
      GemmArgs g = in.args(c);
      g.bias = in.bias.data(), g.activation = Activation::relu, g.accumulate = accumulate;
      product(k, g);
      return c;
    };
    cases.add(in.name() + label({{", accumulate", accumulate}}), run, 1e-5);
  }
}

}  // namespace fu::test
