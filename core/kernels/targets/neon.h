// ARMv8 (AArch64): NEON, 32 registers of 16 bytes.
#pragma once

#define FU_VECTOR_BYTES 16
#include "core/kernels/targets/neon_dots.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = true;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
constexpr Index kMicroRows = 8, kMicroVectors = 2;  // gemm_micro.h: 8 rows x 2 vectors
constexpr Index kPlanarRows = 13;                   // planar.h: 13 rows x 2 vectors
constexpr Index kApplyVectors = 6;                  // jbu_apply.h: 4 pixels x 6 vectors
constexpr Index kPairTaps = 7;                      // weighted.h: 2 pixels x 7 neighbours
constexpr Index kDepthwisePixels = 14;              // depthwise.cpp: 14 outputs, a row of weights
constexpr bool kLaneFactors = true;                 // a lane can be the factor of a whole vector

using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::vmax;
using portable::vmin;
using portable::zip_high;
using portable::zip_low;

#ifdef FU_REAL_DOUBLE
using portable::widen_f16;
#else
static inline Floats widen_f16(Halves halves) { return Floats(vcvt_f32_f16(vreinterpret_f16_u16(uint16x4_t(halves)))); }
#endif

}  // namespace fu::FU_ISA
