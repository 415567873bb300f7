// Products of narrow numbers with NEON, of 64 and of 32 bits: see Dots and Bf16 in vector.h.
#pragma once

#include <arm_neon.h>

#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

/// Products of a lane of a row of activations, kTogether numbers, with a vector of weights. A step loads four lanes of
/// each row at once. OP has the types Number, Row, Weights and Sum, kTogether, and add<LANE>(sum, weights, row).
template <class OP>
struct ByLane {
  typedef typename OP::Number Number;
  static constexpr Index kTogether = OP::kTogether, kStep = 4 * kTogether;

  template <Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void step(typename OP::Sum (&sums)[ROWS][VECTORS], const char* a,
                                                         Index stride, const Number* panel) {
    typename OP::Row rows[ROWS];
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) __builtin_memcpy(&rows[i], a + i * stride, sizeof rows[i]);
    lane<0>(sums, rows, panel);
    lane<1>(sums, rows, panel);
    lane<2>(sums, rows, panel);
    lane<3>(sums, rows, panel);
  }

 private:
  template <int LANE, Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void lane(typename OP::Sum (&sums)[ROWS][VECTORS],
                                                         const typename OP::Row (&rows)[ROWS], const Number* panel) {
    constexpr Index size = sizeof(typename OP::Weights) / sizeof(Number);
    typename OP::Weights b[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) __builtin_memcpy(&b[j], panel + (LANE * VECTORS + j) * size, sizeof b[j]);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j) sums[i][j] = OP::template add<LANE>(sums[i][j], b[j], rows[i]);
  }
};

#ifdef __ARM_FEATURE_DOTPROD
/// Numbers of 8 bits, four products an instruction and lane. Of activations, each byte is multiplied on its own.
struct BytesByLane {
  typedef std::int8_t Number;
  typedef int8x16_t Row, Weights;
  typedef VecWord Sum;
  static constexpr Index kTogether = 4;
  template <int LANE>
  __attribute__((always_inline)) static inline Sum add(Sum sum, Weights b, Row row) {
    return Sum(vdotq_laneq_s32(int32x4_t(sum), b, row, LANE));
  }
};
using Dots = ByLane<BytesByLane>;
#else
/// Numbers of 16 bits: a lane of activations times half a vector of weights, added to 32 bits, is one instruction.
struct ShortsByLane {
  typedef std::int16_t Number;
  typedef int16x4_t Row, Weights;
  typedef VecWord Sum;
  static constexpr Index kTogether = 1;
  template <int LANE>
  __attribute__((always_inline)) static inline Sum add(Sum sum, Weights b, Row row) {
    return Sum(vmlal_lane_s16(int32x4_t(sum), b, row, LANE));
  }
};
using Dots = ByLane<ShortsByLane>;
#endif

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && !defined(FU_REAL_DOUBLE)
/// Numbers in bf16, two products an instruction and lane. Denormal numbers count as zero.
struct Bf16ByLane {
  typedef std::int16_t Number;
  typedef bfloat16x8_t Row, Weights;
  typedef Floats Sum;
  static constexpr Index kTogether = 2;
  template <int LANE>
  __attribute__((always_inline)) static inline Sum add(Sum sum, Weights b, Row row) {
    return Sum(vbfdotq_laneq_f32(float32x4_t(sum), b, row, LANE));
  }
};
using Bf16 = ByLane<Bf16ByLane>;
#else
using Bf16 = NoBf16;
#endif

}  // namespace fu::FU_ISA
