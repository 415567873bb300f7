// Products with weights of 8 bits: how both sides lie in memory.
//
// Weights are whole numbers from -127 to 127, widened to 16 bits a panel at a time. A row of activations is rounded to
// whole numbers of 16 bits times a power of 2, so that all products of a row, summed up, fit into 32 bits: 13 bits and
// a sign where k is 1536. The sums are exact, and so are the powers: every target rounds the same activations to the
// same numbers and gets the same sums.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

constexpr Index kPairDepth = 2 * kMaxDepth;     // longest block of k: of numbers half as wide, twice as many
constexpr Index kPairStride = kPairDepth + 32;  // numbers from a row of activations to the next
constexpr Index kWordLanes = FU_VECTOR_BYTES / 4;
constexpr Index kPairVectors = kMicroCols / kWordLanes;
static_assert(kPairVectors * kWordLanes == kMicroCols, "a panel is whole vectors of 32-bit sums");

/// Length of a block of k, an even number.
static inline Index pair_depth(Index k) {
  const Index blocks = imax(1, ceil_div(k, kPairDepth));
  return imax(8, round_up(ceil_div(k, blocks), 8));
}

/// gemm() and gemm_scratch() for narrow_type int8.
Index int8_product_scratch(const GemmArgs& g);
void int8_product(const GemmArgs& g);

}  // namespace fu::FU_ISA
