// The vector type of one target, and the operations on it in portable form.
//
// A target file defines FU_VECTOR_BYTES, includes this file, and then takes each operation from namespace `portable` or
// writes its own. The types are the vector extensions of GCC and Clang: + - * / and comparisons work lane by lane.
#pragma once

#include <cstdint>

#include "core/base.h"

#ifndef FU_ISA
#define FU_ISA generic  // for tools that read one file alone; the build names the target
#endif

namespace fu::FU_ISA {

typedef real Vec __attribute__((vector_size(FU_VECTOR_BYTES)));
typedef real VecUnaligned __attribute__((vector_size(FU_VECTOR_BYTES), aligned(sizeof(real)), may_alias));
#ifdef FU_REAL_DOUBLE
typedef std::int64_t IntLane;
#else
typedef std::int32_t IntLane;
#endif
typedef IntLane VecInt __attribute__((vector_size(FU_VECTOR_BYTES)));

// Whole numbers of 16 bits, and of 32: the same number of bytes, so a 32-bit lane is a pair of 16-bit ones.
typedef std::int16_t VecShort __attribute__((vector_size(FU_VECTOR_BYTES)));
typedef std::int32_t VecWord __attribute__((vector_size(FU_VECTOR_BYTES)));
typedef std::int8_t VecByte __attribute__((vector_size(FU_VECTOR_BYTES)));

// As many lanes as a vector of reals has, also where these are doubles.
typedef std::uint16_t Halves __attribute__((vector_size(FU_VECTOR_BYTES / sizeof(real) * 2)));
typedef std::uint16_t HalvesUnaligned
    __attribute__((vector_size(FU_VECTOR_BYTES / sizeof(real) * 2), aligned(2), may_alias));
typedef std::uint32_t Bits __attribute__((vector_size(FU_VECTOR_BYTES / sizeof(real) * 4)));
typedef float Floats __attribute__((vector_size(FU_VECTOR_BYTES / sizeof(real) * 4)));

constexpr Index kLanes = FU_VECTOR_BYTES / static_cast<Index>(sizeof(real));

static inline Vec load(const real* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
static inline void store(real* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }

namespace portable {

/// The first n lanes from memory; the others are zero. n <= 0 reads nothing, n >= kLanes reads a whole vector.
static inline Vec load_n(const real* p, Index n) {
  if (n >= kLanes) return load(p);
  Vec v{};
  for (Index i = 0; i < n; ++i) v[i] = p[i];
  return v;
}

/// Writes the first n lanes only.
static inline void store_n(real* p, Vec v, Index n) {
  if (n >= kLanes) return store(p, v);
  for (Index i = 0; i < n; ++i) p[i] = v[i];
}

/// v with all lanes from n on set to zero.
static inline Vec keep_n(Vec v, Index n) {
  for (Index i = n; i < kLanes; ++i) v[i] = 0;
  return v;
}

/// The larger of a and b in each lane; b where either is NaN, as in std::max(b, a).
static inline Vec vmax(Vec a, Vec b) { return a > b ? a : b; }
/// The smaller of a and b in each lane; b where either is NaN.
static inline Vec vmin(Vec a, Vec b) { return a < b ? a : b; }

/// In 32-bit lane i: sums[i] + a[2i] b[2i] + a[2i+1] b[2i+1], which must fit.
static inline VecWord add_pairs(VecWord sums, VecShort a, VecShort b) {
  const VecWord x = reinterpret_cast<VecWord>(a), y = reinterpret_cast<VecWord>(b);
  return sums + (x >> 16) * (y >> 16) + ((x << 16) >> 16) * ((y << 16) >> 16);
}

/// Numbers in f16, none of them infinite, as floats; exact.
static inline Floats widen_f16(Halves halves) {
  typedef std::int32_t Mask __attribute__((vector_size(sizeof(Bits))));
  // The exponent's bias is 15 there, 127 here. A denormal number, without its exponent's leading 1, is made with one
  // which is subtracted again: no arithmetic on denormal numbers, which some processors take for zero.
  const Bits bits = __builtin_convertvector(halves, Bits);
  const Bits magnitude = (bits & 0x7fff) << 13, sign = (bits & 0x8000) << 16;
  const Bits smallest = Bits{} + (113u << 23);
  const Floats denormal = reinterpret_cast<Floats>(magnitude + smallest) - reinterpret_cast<Floats>(smallest);
  const Mask is_denormal = (bits & 0x7c00) == 0;
  const Bits all = reinterpret_cast<Bits>(is_denormal ? reinterpret_cast<Mask>(denormal)
                                                      : reinterpret_cast<Mask>(magnitude + (112u << 23)));
  return reinterpret_cast<Floats>(all | sign);
}

#ifndef FU_REAL_DOUBLE
/// In lane i: sums[i] + a[2i] b[2i] + a[2i+1] b[2i+1] of numbers in bf16, which are the bits of floats without their
/// lower halves.
static inline Floats add_bf16_pairs(Floats sums, VecShort a, VecShort b) {
  const Bits x = reinterpret_cast<Bits>(a), y = reinterpret_cast<Bits>(b);
  const Bits upper = Bits{} + 0xffff0000u;
  sums += reinterpret_cast<Floats>(x & upper) * reinterpret_cast<Floats>(y & upper);
  return sums + reinterpret_cast<Floats>(x << 16) * reinterpret_cast<Floats>(y << 16);
}
#endif

/// 1 / x. Targets may be off by 2 or 3 units in the last place; math.h counts them into its bounds.
static inline Vec reciprocal(Vec x) { return 1 / x; }

/// Lane i of the result is lane order[i] of a and b taken as one vector of 2 * kLanes lanes.
static inline Vec shuffle(Vec a, Vec b, VecInt order) {
#ifdef __clang__
  Vec y{};
  for (Index i = 0; i < kLanes; ++i) y[i] = order[i] < kLanes ? a[order[i]] : b[order[i] - kLanes];
  return y;
#else
  return __builtin_shuffle(a, b, order);
#endif
}

/// a[0] b[0] a[1] b[1] ...: the lower halves of a and b in turn.
static inline Vec zip_low(Vec a, Vec b) {
  VecInt order{};
  for (std::int32_t i = 0; i < kLanes / 2; ++i) order[2 * i] = i, order[2 * i + 1] = static_cast<IntLane>(kLanes) + i;
  return shuffle(a, b, order);
}

/// The same of the upper halves.
static inline Vec zip_high(Vec a, Vec b) {
  VecInt order{};
  for (std::int32_t i = 0; i < kLanes / 2; ++i)
    order[2 * i] = static_cast<IntLane>(kLanes / 2) + i,
              order[2 * i + 1] = static_cast<IntLane>(kLanes + kLanes / 2) + i;
  return shuffle(a, b, order);
}

}  // namespace portable

// How a target multiplies narrow numbers: its types Dots (whole numbers) and Bf16 say so, and int8.cpp and gemm.cpp
// count on
//   Number     weights as they are multiplied: of 16 bits, to which they are widened, or of 8
//   kTogether  numbers of k side by side in a panel of weights: (k / kTogether, columns, kTogether)
//   kStep      numbers of k that step() multiplies
//   step()     sums of some rows += products of a step's activations, `stride` bytes from row to row, with its weights
// Activations of whole numbers have 16 bits. Where weights have 8, each is two: the upper byte and the lower one, both
// with a sign.

/// Products of pairs of 16-bit numbers, by the target's instruction.
template <class Sum, Sum (*ADD_PAIRS)(Sum sums, VecShort a, VecShort b)>
struct Pairs {
  typedef std::int16_t Number;
  static constexpr Index kTogether = 2, kStep = 2;

  template <Index ROWS, Index VECTORS>
  __attribute__((always_inline)) static inline void step(Sum (&sums)[ROWS][VECTORS], const char* a, Index stride,
                                                         const std::int16_t* panel) {
    VecShort b[VECTORS];
#pragma GCC unroll 2
    for (Index j = 0; j < VECTORS; ++j) __builtin_memcpy(&b[j], panel + j * (FU_VECTOR_BYTES / 2), sizeof b[j]);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) {
      std::int32_t numbers;
      __builtin_memcpy(&numbers, a + i * stride, sizeof numbers);
      const VecShort pair = reinterpret_cast<VecShort>(VecWord{} + numbers);
#pragma GCC unroll 2
      for (Index j = 0; j < VECTORS; ++j) sums[i][j] = ADD_PAIRS(sums[i][j], pair, b[j]);
    }
  }
};

/// A target without instructions for numbers in bf16: weights are widened, and activations keep their 32 bits.
struct NoBf16 {
  static constexpr Index kStep = 0;
};

}  // namespace fu::FU_ISA
