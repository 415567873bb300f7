// ARMv7: NEON with fused multiply-add (VFPv4), 16 registers of 16 bytes. Its NEON takes denormal numbers for zero and
// gives zero in place of them.
#pragma once

#define FU_VECTOR_BYTES 16
#include "core/kernels/targets/neon_dots.h"

namespace fu::FU_ISA {

constexpr bool kFusedMultiplyAdd = true;  // a * b + c is rounded once

// Tiles of accumulators that stay in registers, beside the operands of one step.
constexpr Index kMicroRows = 4, kMicroVectors = 2;  // gemm_micro.h: 4 rows x 2 vectors
constexpr Index kPlanarRows = 6;                    // planar.h: 6 rows x 2 vectors
constexpr Index kApplyVectors = 3;                  // jbu_apply.h: 4 pixels x 3 vectors
constexpr Index kPairTaps = 4;                      // weighted.h: 2 pixels x 4 neighbours
constexpr Index kDepthwisePixels = 7;               // depthwise.cpp: 7 outputs, a row of weights
constexpr bool kLaneFactors = false;                // a lane can be the factor of a whole vector

using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::vmax;
using portable::vmin;
using portable::widen_f16;
using portable::zip_high;
using portable::zip_low;

}  // namespace fu::FU_ISA
