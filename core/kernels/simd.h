// Vectors of reals as the compiler's own vector types: the same source becomes SSE2, AVX2, AVX-512 or NEON code,
// depending on the flags its file is compiled with. Every kernel file is compiled once for each instruction set, inside
// namespace FU_ISA.
//
// Kernel files include nothing from the standard library but <cstdint>-like headers: an inline function compiled with
// AVX-512 flags in one file and without in another is one symbol to the linker, and the wrong one may win.
#pragma once

#include <cstdint>

#include "core/base.h"

#ifndef FU_ISA
#define FU_ISA baseline
#endif
#ifndef FU_VECTOR_BYTES
#define FU_VECTOR_BYTES 16
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

constexpr Index kLanes = FU_VECTOR_BYTES / static_cast<Index>(sizeof(real));

static inline Vec load(const real* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
static inline void store(real* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
static inline Vec splat(real v) { return v - Vec{}; }  // v - 0 keeps the sign of a zero, v + 0 would not

/// The first n lanes (0 <= n <= kLanes) from memory; the others are zero.
#if defined(__AVX__) && FU_VECTOR_BYTES == 32 && !defined(FU_REAL_DOUBLE)
// Where the processor has loads of the first n lanes: n may be 0 or less there.
static inline VecInt first_lanes(Index n) {
  static const std::int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  VecInt mask;
  __builtin_memcpy(&mask, kMask + 8 - (n < 0 ? 0 : n), sizeof mask);
  return mask;
}
static inline Vec load_n(const real* p, Index n) {
  if (n >= kLanes) return load(p);
  return __builtin_ia32_maskloadps256(reinterpret_cast<const Vec*>(p), first_lanes(n));
}
static inline void store_n(real* p, Vec v, Index n) {
  if (n >= kLanes) return store(p, v);
  // In halves: masked stores take AMD's processors twenty cycles.
  real lanes[kLanes] __attribute__((aligned(32)));
  store(lanes, v);
  Index i = 0;
  if (n & 4) __builtin_memcpy(p, lanes, 4 * sizeof(real)), i = 4;
  if (n & 2) __builtin_memcpy(p + i, lanes + i, 2 * sizeof(real)), i += 2;
  if (n & 1) p[i] = lanes[i];
}
/// The first n lanes; the others become zero.
static inline Vec keep_n(Vec v, Index n) {
  return n >= kLanes ? v : reinterpret_cast<Vec>(reinterpret_cast<VecInt>(v) & first_lanes(n));
}
#else
static inline Vec load_n(const real* p, Index n) {
  if (n >= kLanes) return load(p);
  Vec v{};
  for (Index i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
static inline void store_n(real* p, Vec v, Index n) {
  if (n >= kLanes) return store(p, v);
  for (Index i = 0; i < n; ++i) p[i] = v[i];
}
static inline Vec keep_n(Vec v, Index n) {
  for (Index i = n; i < kLanes; ++i) v[i] = 0;
  return v;
}
#endif

// Of a ? : between short vectors the compiler makes two instructions, also where the processor has one that means
// exactly that.
#if defined(__x86_64__) && FU_VECTOR_BYTES == 16 && !defined(FU_REAL_DOUBLE)
#define FU_X86_OP(name) __builtin_ia32_##name##ps
#elif defined(__AVX__) && FU_VECTOR_BYTES == 32 && !defined(FU_REAL_DOUBLE)
#define FU_X86_OP(name) __builtin_ia32_##name##ps256
#endif

static inline Vec select(VecInt mask, Vec a, Vec b) { return mask ? a : b; }
/// As std::max(a, b) lane by lane: b where either is not a number.
static inline Vec vmax(Vec a, Vec b) {
#ifdef FU_X86_OP
  return FU_X86_OP(max)(a, b);
#else
  return a > b ? a : b;
#endif
}
static inline Vec vmin(Vec a, Vec b) {
#ifdef FU_X86_OP
  return FU_X86_OP(min)(a, b);
#else
  return a < b ? a : b;
#endif
}
static inline Vec vabs(Vec a) { return vmax(a, -a); }

/// Sum over lanes, always in the same (pairwise) order.
static inline real hsum(Vec v) {
  for (Index step = kLanes / 2; step > 0; step /= 2)
    for (Index i = 0; i < step; ++i) v[i] = v[i] + v[i + step];
  return v[0];
}
static inline real hmax(Vec v) {
  real m = v[0];
  for (Index i = 1; i < kLanes; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

typedef IntLane LaneIndex __attribute__((vector_size(FU_VECTOR_BYTES)));

/// Lanes of the lower or upper halves of a and b in turn: a[0] b[0] a[1] b[1] ...
static inline Vec zip_low(Vec a, Vec b) {
  LaneIndex order{};
  for (std::int32_t i = 0; i < kLanes / 2; ++i) order[2 * i] = i, order[2 * i + 1] = static_cast<IntLane>(kLanes) + i;
  return __builtin_shuffle(a, b, order);
}
static inline Vec zip_high(Vec a, Vec b) {
  LaneIndex order{};
  for (std::int32_t i = 0; i < kLanes / 2; ++i)
    order[2 * i] = static_cast<IntLane>(kLanes / 2) + i,
              order[2 * i + 1] = static_cast<IntLane>(kLanes + kLanes / 2) + i;
  return __builtin_shuffle(a, b, order);
}

/// Transposes kLanes vectors of kLanes: zipping the halves of the list log2(kLanes) times brings every element to its
/// place.
static inline void transpose(Vec (&v)[kLanes]) {
#pragma GCC unroll 4
  for (Index round = 1; round < kLanes; round *= 2) {
    Vec next[kLanes];
#pragma GCC unroll 8
    for (Index i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = zip_low(v[i], v[i + kLanes / 2]);
      next[2 * i + 1] = zip_high(v[i], v[i + kLanes / 2]);
    }
#pragma GCC unroll 16
    for (Index i = 0; i < kLanes; ++i) v[i] = next[i];
  }
}

static constexpr Index imin(Index a, Index b) { return a < b ? a : b; }
static constexpr Index imax(Index a, Index b) { return a > b ? a : b; }
static constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
static constexpr Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

}  // namespace fu::FU_ISA
