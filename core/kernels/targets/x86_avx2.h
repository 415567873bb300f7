// x86-64 with AVX2 and FMA: 16 registers of 32 bytes.
#pragma once

#define FU_VECTOR_BYTES 32
#ifdef __AVXVNNI__
#include <immintrin.h>
#endif

#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = true;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
constexpr Index kMicroRows = 6, kMicroVectors = 2;  // gemm_micro.h: 6 rows x 2 vectors
constexpr Index kPlanarRows = 6;                    // planar.h: 6 rows x 2 vectors
constexpr Index kApplyVectors = 3;                  // jbu_apply.h: 4 pixels x 3 vectors
constexpr Index kPairTaps = 4;                      // weighted.h: 2 pixels x 4 neighbours
constexpr Index kDepthwisePixels = 7;               // depthwise.cpp: 7 outputs, a row of weights
constexpr bool kLaneFactors = false;                // a lane can be the factor of a whole vector

using portable::zip_high;
using portable::zip_low;

static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) {
#ifdef __AVXVNNI__
  return reinterpret_cast<VecWord>(_mm256_dpwssd_avx_epi32(reinterpret_cast<__m256i>(sums),
                                                           reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  return sums + __builtin_ia32_pmaddwd256(a, b);
#endif
}
using Dots = Pairs<VecWord, add_pairs>;
using Bf16 = NoBf16;

#ifdef FU_REAL_DOUBLE
using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::vmax;
using portable::vmin;
using portable::widen_f16;
#else
static inline Floats widen_f16(Halves halves) {
  typedef short Eight __attribute__((vector_size(16)));
  return __builtin_ia32_vcvtph2ps256(reinterpret_cast<Eight>(halves));
}

/// All bits set in the first n lanes, 0 <= n <= 8.
static inline VecInt first_lanes(Index n) {
  static const std::int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  VecInt mask;
  __builtin_memcpy(&mask, kMask + 8 - (n < 0 ? 0 : n), sizeof mask);
  return mask;
}
static inline Vec load_n(const real* p, Index n) {
  if (n >= kLanes) return load(p);
  return __builtin_ia32_maskloadps256(reinterpret_cast<const Vec*>(p), first_lanes(n));
}
static inline void store_n(real* p, Vec v, Index n) {
  if (n >= kLanes) return store(p, v);
  // Runs of 4, 2 and 1 lanes: a masked store takes some twenty cycles on AMD processors.
  real lanes[kLanes] __attribute__((aligned(32)));
  store(lanes, v);
  Index i = 0;
  if (n & 4) __builtin_memcpy(p, lanes, 4 * sizeof(real)), i = 4;
  if (n & 2) __builtin_memcpy(p + i, lanes + i, 2 * sizeof(real)), i += 2;
  if (n & 1) p[i] = lanes[i];
}
static inline Vec keep_n(Vec v, Index n) {
  return n >= kLanes ? v : reinterpret_cast<Vec>(reinterpret_cast<VecInt>(v) & first_lanes(n));
}

// GCC makes two instructions of `a > b ? a : b` on vectors this short; vmaxps and vminps have exactly its meaning.
static inline Vec vmax(Vec a, Vec b) { return __builtin_ia32_maxps256(a, b); }
static inline Vec vmin(Vec a, Vec b) { return __builtin_ia32_minps256(a, b); }

/// 1 / x for x of ordinary size: an estimate and one step of Newton's method, in a third of the time of a division.
/// The instruction set allows the estimate a relative error of 1.5 * 2^-12, and processors differ below that. After the
/// step the error is at most 3.8 units in the last place.
static inline Vec reciprocal(Vec x) {
  const Vec r = __builtin_ia32_rcpps256(x);
  return r * (2.0f - x * r);
}
#endif

}  // namespace fu::FU_ISA
