// Products with narrow weights. The packed layout is each target's own, so it is tested by products with it.
#include "core/files/number_type.h"
#include "core/ops/conv.h"
#include "core/ops/linear.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct NarrowSize {
  Index m, k, n;
};
// Around tiles and tasks, odd k, beyond one block of k (384, of int8 768) and one task, and empty.
const NarrowSize kNarrow[] = {{1, 1, 1},     {5, 3, 2},    {6, 16, 16},  {7, 17, 33},   {13, 9, 31},
                              {3, 0, 4},     {0, 3, 4},    {4, 3, 0},    {25, 801, 40}, {97, 303, 65},
                              {1, 385, 600}, {9, 1601, 7}, {200, 64, 1}, {200, 33, 800}};
constexpr NarrowType kTypes[] = {NarrowType::f16, NarrowType::bf16, NarrowType::int8};

/// Weights (n,k) in a narrow type.
struct NarrowRows {
  NarrowType type;
  std::vector<std::uint16_t> halves;
  std::vector<std::int8_t> bytes;

  NarrowRows(Random& random, NarrowType t, Index n) : type(t) {
    const Tensor x = random.normal({n});
    if (type == NarrowType::int8) {
      for (Index i = 0; i < n; ++i)
        bytes.push_back(static_cast<std::int8_t>(std::fmax(-127, std::fmin(127, 60 * double(x.data()[i])))));
      return;
    }
    for (Index i = 0; i < n; ++i) {
      // Some are denormal as f16, and some are zero.
      const real value = x.data()[i] * (i % 7 == 3 ? real(2e-5) : i % 11 == 5 ? real(0) : real(1));
      unsigned char b[2];
      from_reals(type == NarrowType::f16 ? DType::f16 : DType::bf16, &value, 1, b);
      halves.push_back(static_cast<std::uint16_t>(b[0] | b[1] << 8));
    }
  }
  const void* data() const { return type == NarrowType::int8 ? static_cast<const void*>(bytes.data()) : halves.data(); }
};

/// Packs the weights, and multiplies.
Tensor narrow_product(const Kernels& table, GemmArgs g, const NarrowRows& rows, const Tensor& scale, Tensor out) {
  Tensor packed = outputs(table.narrow_packed_size(rows.type, g.k, g.n));
  table.narrow_pack(rows.type, rows.data(), g.k, g.n, packed.data());
  g.narrow_type = rows.type, g.narrow_b = packed.data(), g.narrow_scale = scale.size() > 0 ? scale.data() : nullptr;
  g.c = out.data(), g.ldc = g.n;
  Tensor scratch = scratch_of(table.gemm_scratch(g));
  g.scratch = scratch.data();
  table.gemm(g);
  return out;
}

void matrices(KernelCases& cases, NarrowType type, bool scaled) {
  for (const NarrowSize& s : kNarrow) {
    const NarrowRows rows(cases.random, type, s.n * s.k);
    const Tensor a = cases.random.normal({s.m, s.k}), c = cases.random.normal({s.m, s.n}),
                 bias = cases.random.normal({s.n});
    const Tensor scale = scaled || type == NarrowType::int8 ? cases.random.uniform({s.n}, real(.01), 1) : Tensor();
    // Rows of very different sizes, one of zeros, and one with an outlier.
    Tensor x = a.clone();
    for (Index p = 0; p < s.k; ++p) {
      if (s.m > 2) x.data()[2 * s.k + p] = 0;
      if (s.m > 3) x.data()[3 * s.k + p] *= real(1e-3);
    }
    if (s.m > 4 && s.k > 1) x.data()[4 * s.k + 1] = 50;
    if (type == NarrowType::bf16) x = rounded_to(x, type);  // as some targets round it
    for (const Activation act : {Activation::none, Activation::gelu})
      for (const bool accumulate : {false, true})
        cases.add(
            label({{"type", static_cast<Index>(type)},
                   {"m", s.m},
                   {"k", s.k},
                   {"n", s.n},
                   {"activation", static_cast<Index>(act)},
                   {"accumulate", accumulate},
                   {"scaled", scaled}}),
            [=](const Kernels& table) {
              GemmArgs g;
              g.m = s.m, g.k = s.k, g.n = s.n, g.a = x.data(), g.a_row = s.k;
              g.bias = bias.data(), g.activation = act, g.accumulate = accumulate;
              return narrow_product(table, g, rows, scale, accumulate ? outputs_like(c) : outputs(s.m * s.n));
            },
            act == Activation::gelu ? 4e-5 : 1e-5);  // where all outputs are negative, gelu leaves little of them
  }
}

void narrow_windows(KernelCases& cases, NarrowType type) {
  struct Image {
    Index h, w, c, n, kernel, stride, pad, dilation;
  };
  for (const Image& s : {Image{9, 11, 5, 7, 3, 1, 1, 1}, Image{14, 17, 3, 20, 7, 2, 3, 1},
                         Image{9, 8, 100, 40, 3, 1, 2, 2}, Image{8, 9, 17, 5, 1, 2, 0, 1}}) {
    const WindowArgs narrow_windows = windows_on({2, s.h, s.w, s.c}, s.kernel, s.kernel, s.stride, s.pad, s.dilation);
    const Index m = 2 * narrow_windows.rows * narrow_windows.cols, k = s.kernel * s.kernel * s.c;
    const NarrowRows rows(cases.random, type, s.n * k);
    Tensor x = cases.random.normal({2, s.h, s.w, s.c});
    if (type == NarrowType::bf16) x = rounded_to(x, type);
    const Tensor scale = cases.random.uniform({s.n}, real(.01), 1);
    cases.add(
        label({{"type", static_cast<Index>(type)}, {"narrow_windows, h", s.h}, {"c", s.c}, {"kernel", s.kernel}}),
        [=](const Kernels& table) {
          GemmArgs g;
          g.m = m, g.k = k, g.n = s.n, g.a = x.data(), g.windows = &narrow_windows, g.activation = Activation::relu;
          return narrow_product(table, g, rows, scale, outputs(m * s.n));
        },
        1e-5);
  }
}

/// Sums that just fit into 32 bits: all weights 127, all activations the largest there are.
void largest_sums(KernelCases& cases) {
  for (const Index k : {Index{15}, Index{517}, Index{768}, Index{1536}}) {
    NarrowRows rows(cases.random, NarrowType::int8, 0);
    rows.bytes.assign(static_cast<std::size_t>(19 * k), 127);
    const auto limit = static_cast<real>(int8_activation_limit(k));
    Tensor x = Tensor::full({4, k}, limit);
    for (Index p = 0; p < k; ++p) {
      x.data()[k + p] = -limit;
      x.data()[2 * k + p] = p % 2 == 0 ? limit : -limit;
      if (p > 0) x.data()[3 * k + p] = real(p % 256) - 128;  // each lower byte, and both signs of the upper one
    }
    const Tensor scale = Tensor::full({19}, 1);
    cases.add(
        label({{"largest sums, k", k}}),
        [=](const Kernels& table) {
          GemmArgs g;
          g.m = 4, g.k = k, g.n = 19, g.a = x.data(), g.a_row = k;
          return narrow_product(table, g, rows, scale, outputs(4 * 19));
        },
        1e-6);
  }
}

/// Infinity and NaN in a row make that row NaN, and no other one.
void not_finite(KernelCases& cases) {
  const NarrowRows rows(cases.random, NarrowType::int8, 20 * 50);
  Tensor x = cases.random.normal({9, 50});
  x.data()[50 + 7] = std::numeric_limits<real>::infinity();
  x.data()[3 * 50 + 49] = kNan;
  const Tensor scale = cases.random.uniform({20}, real(.01), 1);
  cases.add(
      "rows that are not finite",
      [=](const Kernels& table) {
        GemmArgs g;
        g.m = 9, g.k = 50, g.n = 20, g.a = x.data(), g.a_row = 50;
        return narrow_product(table, g, rows, scale, outputs(9 * 20));
      },
      1e-5);
}

}  // namespace

void kernel_cases_narrow_pack(KernelCases& cases) {
  for (const NarrowType type : kTypes) {
    matrices(cases, type, false);
    if (type != NarrowType::int8) matrices(cases, type, true);
    narrow_windows(cases, type);
  }
  largest_sums(cases);
  not_finite(cases);
}

}  // namespace fu::test
