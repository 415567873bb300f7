// Vectors of reals as the compiler's own vector types: the same source becomes SSE2, AVX2, AVX-512 or NEON code, depending on the
// flags its file is compiled with. Every kernel file is compiled once for each instruction set, inside namespace FU_ISA.
//
// Kernel files include nothing from the standard library but <cstdint>-like headers: an inline function compiled with AVX-512 flags in
// one file and without in another is one symbol to the linker, and the wrong one may win.
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

// Of a ? : between short vectors the compiler makes two instructions, also where the processor has one that means exactly that.
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

static inline Index imin(Index a, Index b) { return a < b ? a : b; }
static inline Index imax(Index a, Index b) { return a > b ? a : b; }
static constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
static constexpr Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

}  // namespace fu::FU_ISA
