// x86-64 with AVX-512 (F, DQ, BW, VL): 32 registers of 64 bytes.
#pragma once

#define FU_VECTOR_BYTES 64
#ifdef __AVX512VNNI__
#include <immintrin.h>
#endif

#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = true;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
constexpr Index kMicroRows = 12, kMicroVectors = 2;  // gemm_micro.h: 12 rows x 2 vectors
constexpr Index kPlanarRows = 13;                    // planar.h: 13 rows x 2 vectors
constexpr Index kApplyVectors = 6;                   // jbu_apply.h: 4 pixels x 6 vectors
constexpr Index kPairTaps = 7;                       // weighted.h: 2 pixels x 7 neighbours
constexpr Index kDepthwisePixels = 14;               // depthwise.cpp: 14 outputs, a row of weights
constexpr bool kLaneFactors = false;                 // a lane can be the factor of a whole vector

using portable::keep_n;
using portable::load_n;
using portable::store_n;
using portable::vmax;
using portable::vmin;
using portable::zip_high;
using portable::zip_low;

static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) {
#ifdef __AVX512VNNI__
  return reinterpret_cast<VecWord>(
      _mm512_dpwssd_epi32(reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__clang__)
  return sums + __builtin_ia32_pmaddwd512(a, b);
#else
  return sums + __builtin_ia32_pmaddwd512_mask(a, b, VecWord{}, static_cast<unsigned short>(-1));
#endif
}
using Dots = Pairs<VecWord, add_pairs>;

#if defined(__AVX512BF16__) && !defined(FU_REAL_DOUBLE)
/// Denormal numbers count as zero, and each product and sum is rounded to nearest.
static inline Floats add_bf16_pairs(Floats sums, VecShort a, VecShort b) {
  return Floats(_mm512_dpbf16_ps(__m512(sums), (__m512bh)a, (__m512bh)b));
}
using Bf16 = Pairs<Floats, add_bf16_pairs>;
#else
using Bf16 = NoBf16;
#endif

#ifdef FU_REAL_DOUBLE
using portable::reciprocal;
using portable::widen_f16;
#else
static inline Floats widen_f16(Halves halves) {
  typedef short Sixteen __attribute__((vector_size(32)));
  constexpr int kAnyRounding = 4;  // exact: no rounding is done
  return __builtin_ia32_vcvtph2ps512_mask(reinterpret_cast<Sixteen>(halves), Floats{}, static_cast<unsigned short>(-1),
                                          kAnyRounding);
}

/// 1 / x for x of ordinary size: an estimate and one step of Newton's method, in a third of the time of a division.
/// The relative error of the estimate is below 2^-14; after the step it is at most 1.5 units in the last place.
static inline Vec reciprocal(Vec x) {
  const Vec r = __builtin_ia32_rcp14ps512_mask(x, Vec{}, static_cast<unsigned short>(-1));
  return r * (2.0f - x * r);
}
#endif

}  // namespace fu::FU_ISA
