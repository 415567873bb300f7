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

/// a[2i] b[2i] + a[2i+1] b[2i+1] in 32-bit lane i. The sum must fit.
static inline VecWord dot_pairs(VecShort a, VecShort b) {
  const VecWord x = reinterpret_cast<VecWord>(a), y = reinterpret_cast<VecWord>(b);
  return (x >> 16) * (y >> 16) + ((x << 16) >> 16) * ((y << 16) >> 16);
}

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

}  // namespace fu::FU_ISA
