// WebAssembly with 128-bit vectors. The browser makes instructions of the machine of it: on x86 there are 16 registers,
// on 64-bit ARM 32. Multiply-add is two instructions with two roundings.
#pragma once

#define FU_VECTOR_BYTES 16
#include <wasm_simd128.h>

#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = false;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
constexpr Index kMicroRows = 4, kMicroVectors = 2;  // gemm_micro.h: 4 rows x 2 vectors
constexpr Index kPlanarRows = 4;                    // planar.h: 4 rows x 2 vectors
constexpr Index kApplyVectors = 2;                  // jbu_apply.h: 4 pixels x 2 vectors
constexpr Index kPairTaps = 4;                      // weighted.h: 2 pixels x 4 neighbours
constexpr Index kDepthwisePixels = 7;               // depthwise.cpp: 7 outputs, a row of weights
constexpr bool kLaneFactors = false;                // a lane can be the factor of a whole vector

using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::widen_f16;

static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) {
  return sums + reinterpret_cast<VecWord>(wasm_i32x4_dot_i16x8(v128_t(a), v128_t(b)));
}
using Dots = Pairs<VecWord, add_pairs>;
using Bf16 = NoBf16;

#ifdef FU_REAL_DOUBLE
using portable::vmax;
using portable::vmin;
static inline Vec zip_low(Vec a, Vec b) { return __builtin_shufflevector(a, b, 0, 2); }
static inline Vec zip_high(Vec a, Vec b) { return __builtin_shufflevector(a, b, 1, 3); }
#else
// "Pseudo" maximum and minimum: one instruction of x86 each, and b where either is NaN.
static inline Vec vmax(Vec a, Vec b) { return reinterpret_cast<Vec>(wasm_f32x4_pmax(v128_t(b), v128_t(a))); }
static inline Vec vmin(Vec a, Vec b) { return reinterpret_cast<Vec>(wasm_f32x4_pmin(v128_t(b), v128_t(a))); }
// The portable form computes where each lane comes from while it runs.
static inline Vec zip_low(Vec a, Vec b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
static inline Vec zip_high(Vec a, Vec b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#endif

}  // namespace fu::FU_ISA
