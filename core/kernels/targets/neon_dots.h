// Products of whole numbers with NEON, of 64 and of 32 bits: see Dots in vector.h.
#pragma once

#include <arm_neon.h>

#include "core/kernels/targets/vector.h"

namespace fu::FU_ISA {

#ifdef __ARM_FEATURE_DOTPROD
/// Numbers of 8 bits, four products an instruction and lane. Of activations, each byte is multiplied on its own.
struct Dots {
  typedef std::int8_t Number;
  static constexpr Index kTogether = 4, kStep = 16;

  template <Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void step(VecWord (&sums)[ROWS][VECTORS], const char* a, Index stride,
                                                         const std::int8_t* panel) {
    int8x16_t rows[ROWS];
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) rows[i] = vld1q_s8(reinterpret_cast<const std::int8_t*>(a + i * stride));
    lane<0>(sums, rows, panel);
    lane<1>(sums, rows, panel);
    lane<2>(sums, rows, panel);
    lane<3>(sums, rows, panel);
  }

 private:
  /// Four numbers of each row.
  template <int LANE, Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void lane(VecWord (&sums)[ROWS][VECTORS], const int8x16_t (&rows)[ROWS],
                                                         const std::int8_t* panel) {
    int8x16_t b[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) b[j] = vld1q_s8(panel + (LANE * VECTORS + j) * 16);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j)
        sums[i][j] = VecWord(vdotq_laneq_s32(int32x4_t(sums[i][j]), b[j], rows[i], LANE));
  }
};
#else
/// Numbers of 16 bits: a lane of activations times half a vector of weights, added to 32 bits, is one instruction.
struct Dots {
  typedef std::int16_t Number;
  static constexpr Index kTogether = 1, kStep = 4;

  template <Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void step(VecWord (&sums)[ROWS][VECTORS], const char* a, Index stride,
                                                         const std::int16_t* panel) {
    int16x4_t rows[ROWS];
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) rows[i] = vld1_s16(reinterpret_cast<const std::int16_t*>(a + i * stride));
    lane<0>(sums, rows, panel);
    lane<1>(sums, rows, panel);
    lane<2>(sums, rows, panel);
    lane<3>(sums, rows, panel);
  }

 private:
  /// One number of each row.
  template <int LANE, Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void lane(VecWord (&sums)[ROWS][VECTORS], const int16x4_t (&rows)[ROWS],
                                                         const std::int16_t* panel) {
    int16x4_t b[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) b[j] = vld1_s16(panel + (LANE * VECTORS + j) * 4);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j)
        sums[i][j] = VecWord(vmlal_lane_s16(int32x4_t(sums[i][j]), b[j], rows[i], LANE));
  }
};
#endif

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && !defined(FU_REAL_DOUBLE)
/// Numbers in bf16, two products an instruction and lane. Denormal numbers count as zero.
struct Bf16 {
  typedef std::int16_t Number;
  static constexpr Index kTogether = 2, kStep = 8;

  template <Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void step(Floats (&sums)[ROWS][VECTORS], const char* a, Index stride,
                                                         const std::int16_t* panel) {
    bfloat16x8_t rows[ROWS];
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
      rows[i] = vreinterpretq_bf16_s16(vld1q_s16(reinterpret_cast<const std::int16_t*>(a + i * stride)));
    lane<0>(sums, rows, panel);
    lane<1>(sums, rows, panel);
    lane<2>(sums, rows, panel);
    lane<3>(sums, rows, panel);
  }

 private:
  /// Two numbers of each row.
  template <int LANE, Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void lane(Floats (&sums)[ROWS][VECTORS],
                                                         const bfloat16x8_t (&rows)[ROWS], const std::int16_t* panel) {
    bfloat16x8_t b[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) b[j] = vreinterpretq_bf16_s16(vld1q_s16(panel + (LANE * VECTORS + j) * 8));
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j)
        sums[i][j] = Floats(vbfdotq_laneq_f32(float32x4_t(sums[i][j]), b[j], rows[i], LANE));
  }
};
#else
using Bf16 = NoBf16;
#endif

}  // namespace fu::FU_ISA
