// x86 without further extensions: SSE2, 16 registers of 16 bytes; of a 32-bit program, 8.
#pragma once

#define FU_VECTOR_BYTES 16
#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = false;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
#ifdef __x86_64__
constexpr Index kMicroRows = 4, kMicroVectors = 2;  // gemm_micro.h: 4 rows x 2 vectors
constexpr Index kPlanarRows = 4;                    // planar.h: 4 rows x 2 vectors
constexpr Index kApplyVectors = 2;                  // jbu_apply.h: 4 pixels x 2 vectors
constexpr Index kPairTaps = 4;                      // weighted.h: 2 pixels x 4 neighbours
constexpr Index kDepthwisePixels = 7;               // depthwise.cpp: 7 outputs, a row of weights
#else
constexpr Index kMicroRows = 2, kMicroVectors = 2;
constexpr Index kPlanarRows = 2, kApplyVectors = 1, kPairTaps = 2, kDepthwisePixels = 4;
#endif
constexpr bool kLaneFactors = false;  // a lane can be the factor of a whole vector

using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::widen_f16;
using portable::zip_high;
using portable::zip_low;

static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) { return sums + __builtin_ia32_pmaddwd128(a, b); }
using Dots = Pairs<VecWord, add_pairs>;
using Bf16 = NoBf16;

#ifdef FU_REAL_DOUBLE
using portable::vmax;
using portable::vmin;
#else
// GCC makes two instructions of `a > b ? a : b` on vectors this short; maxps and minps have exactly its meaning.
static inline Vec vmax(Vec a, Vec b) { return __builtin_ia32_maxps(a, b); }
static inline Vec vmin(Vec a, Vec b) { return __builtin_ia32_minps(a, b); }
#endif

}  // namespace fu::FU_ISA
