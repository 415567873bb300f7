// Products with weights of 8 bits: how both sides lie in memory.
//
// Weights are whole numbers from -127 to 127. Most targets multiply numbers of 16 bits, to which weights are widened a
// panel at a time; see Dots in targets/vector.h. A row of activations is rounded to whole numbers of 16 bits times a
// power of 2, so that all products of a row, summed up, fit into 32 bits: 13 bits and a sign where k is 1536. The sums
// are exact, and so are the powers: every target rounds the same activations to the same numbers and gets the same
// sums.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

constexpr Index kDotDepth = 2 * kMaxDepth;    // longest block of k: of numbers half as wide, twice as many
constexpr Index kDotStride = kDotDepth + 32;  // 16-bit numbers from a row of activations to the next
constexpr Index kDotPlanes =
    sizeof(Dots::Number) == 1 ? 2 : 1;  // of a row: its numbers, or their upper and lower bytes
constexpr Index kWordLanes = FU_VECTOR_BYTES / 4;
constexpr Index kWordVectors = kMicroCols / kWordLanes;
static_assert(16 % Dots::kStep == 0, "a block is whole steps");
static_assert(kWordVectors * kWordLanes == kMicroCols, "a panel is whole vectors of 32-bit sums");

/// k with what fills its last step.
static inline Index dot_length(Index k) { return round_up(k, Dots::kStep); }

/// Length of a block of k, a multiple of 16.
static inline Index dot_depth(Index k) {
  const Index blocks = imax(1, ceil_div(k, kDotDepth));
  return imax(16, round_up(ceil_div(k, blocks), 16));
}

/// gemm() and gemm_scratch() for narrow_type int8.
Index int8_product_scratch(const GemmArgs& g);
void int8_product(const GemmArgs& g);

}  // namespace fu::FU_ISA
