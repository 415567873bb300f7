// Vectors of 64 bytes made of two AVX2 registers each. For tests alone: code paths for 16 lanes can be tested on a
// processor without AVX-512. Never chosen unless FU_ISA=wide asks for it.
#pragma once

#define FU_VECTOR_BYTES 64
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

using portable::keep_n;
using portable::load_n;
using portable::reciprocal;
using portable::store_n;
using portable::vmax;
using portable::vmin;
using portable::widen_f16;
using portable::zip_high;
using portable::zip_low;

static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) {
  typedef std::int16_t HalfShort __attribute__((vector_size(32)));
  typedef std::int32_t HalfWord __attribute__((vector_size(32)));
  HalfShort x[2], y[2];
  __builtin_memcpy(x, &a, sizeof a);
  __builtin_memcpy(y, &b, sizeof b);
  const HalfWord products[2] = {__builtin_ia32_pmaddwd256(x[0], y[0]), __builtin_ia32_pmaddwd256(x[1], y[1])};
  VecWord all;
  __builtin_memcpy(&all, products, sizeof all);
  return sums + all;
}
using Dots = Pairs<VecWord, add_pairs>;
#ifdef FU_REAL_DOUBLE
using Bf16 = NoBf16;
#else
using Bf16 = Pairs<Floats, portable::add_bf16_pairs>;
#endif

}  // namespace fu::FU_ISA
