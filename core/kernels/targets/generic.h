// Any processor that no other file describes: vectors of 16 bytes, as most processors have them, and few registers.
//
// This is the example for a new target. A target states the width of a vector, whether multiply-add is fused, and the
// sizes of its register tiles. Then it takes every operation from `portable` or replaces it.
#pragma once

#define FU_VECTOR_BYTES 16
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
using portable::vmax;
using portable::vmin;
using portable::widen_f16;
using portable::zip_high;
using portable::zip_low;
using Dots = Pairs<VecWord, portable::add_pairs>;
using Bf16 = NoBf16;

}  // namespace fu::FU_ISA
