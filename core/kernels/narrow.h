// Weights of 16 bits, widened for the inner loop of a product.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

constexpr Index kPanelSize = kMaxDepth * kMicroCols;  // reals of a panel at most

// As many lanes as a vector of reals has, also where these are doubles.
typedef std::uint16_t Halves __attribute__((vector_size(2 * kLanes), aligned(2), may_alias));
typedef std::uint32_t Bits __attribute__((vector_size(4 * kLanes)));
typedef std::int32_t Mask __attribute__((vector_size(4 * kLanes)));
typedef float Floats __attribute__((vector_size(4 * kLanes)));

/// kLanes numbers of 16 bits as reals; exact. Of f16 there is no infinity among weights, and none is made.
template <NarrowType TYPE>
static inline Vec widen(const std::uint16_t* p) {
  const Bits bits = __builtin_convertvector(*reinterpret_cast<const Halves*>(p), Bits);
  if constexpr (TYPE == NarrowType::bf16)
    return __builtin_convertvector(reinterpret_cast<Floats>(bits << 16), Vec);
  else {
    // The exponent's bias is 15 there, 127 here. A denormal number, without its exponent's leading 1, is made with one
    // which is subtracted again: no arithmetic on denormal numbers, which some processors take for zero.
    const Bits magnitude = (bits & 0x7fff) << 13, sign = (bits & 0x8000) << 16;
    const Bits smallest = Bits{} + (113u << 23);
    const Floats denormal = reinterpret_cast<Floats>(magnitude + smallest) - reinterpret_cast<Floats>(smallest);
    const Mask is_denormal = (bits & 0x7c00) == 0;
    const Bits all = reinterpret_cast<Bits>(is_denormal ? reinterpret_cast<Mask>(denormal)
                                                        : reinterpret_cast<Mask>(magnitude + (112u << 23)));
    return __builtin_convertvector(reinterpret_cast<Floats>(all | sign), Vec);
  }
}

template <NarrowType TYPE>
static inline void widen_rows(const std::uint16_t* in, const real* scale, Index k, real* out) {
  Vec factor[kMicroVectors];
  for (Index j = 0; j < kMicroVectors; ++j) factor[j] = load(scale + j * kLanes);
  for (Index p = 0; p < k; ++p)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) {
      const Index at = p * kMicroCols + j * kLanes;
      store(out + at, widen<TYPE>(in + at) * factor[j]);
    }
}

/// Rows [p0, p0 + k) of panel j of a narrow B of 16 bits, as pack_panel would have packed them: (k, kMicroCols).
static inline void widen_panel(const GemmArgs& g, Index p0, Index k, Index j, real* out) {
  const auto* numbers = static_cast<const std::uint16_t*>(g.narrow_b);
  const std::uint16_t* in = numbers + p0 * round_up(g.n, kMicroCols) + j * kMicroCols * k;
  real scale[kMicroCols] __attribute__((aligned(64)));
  for (Index t = 0; t < kMicroCols; ++t)
    scale[t] = g.narrow_scale && j * kMicroCols + t < g.n ? g.narrow_scale[j * kMicroCols + t] : 1;
  if (g.narrow_type == NarrowType::bf16)
    widen_rows<NarrowType::bf16>(in, scale, k, out);
  else
    widen_rows<NarrowType::f16>(in, scale, k, out);
}

}  // namespace fu::FU_ISA
