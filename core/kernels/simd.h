// Vectors of reals for every kernel file. The build compiles each kernel file once for each target of
// targets/targets.cmake, inside the namespace FU_ISA, and names the target's file in FU_TARGET.
//
// Kernel files include no standard header but <cstddef> and <cstdint>. An inline function of the standard library that
// is compiled with AVX-512 flags in one file and without in another is one symbol to the linker. It may keep the
// AVX-512 version, and the program then crashes on other processors.
#pragma once

#ifndef FU_TARGET
#define FU_TARGET "core/kernels/targets/generic.h"
#endif
#include FU_TARGET

namespace fu::FU_ISA {

/// All lanes v. The form v - 0 keeps the sign of a zero; v + 0 would turn -0 into +0.
static inline Vec splat(real v) { return v - Vec{}; }

static inline Vec select(VecInt mask, Vec a, Vec b) { return mask ? a : b; }
static inline Vec vabs(Vec a) { return vmax(a, -a); }

/// Sum over lanes, always in the same (pairwise) order.
static inline real hsum(Vec v) {
  for (Index step = kLanes / 2; step > 0; step /= 2)
    for (Index i = 0; i < step; ++i) v[i] = v[i] + v[i + step];
  return v[0];
}
/// Largest lane.
static inline real hmax(Vec v) {
  real m = v[0];
  for (Index i = 1; i < kLanes; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

/// Transposes a square of kLanes vectors. One round zips vector i with vector i + kLanes / 2; after log2(kLanes) rounds
/// every element is in its place.
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

/// N numbers from memory, each of which becomes the factor of whole vectors: f[i] * v. Where a lane can be a factor,
/// they are loaded a vector at a time.
template <Index N>
struct Factors {
  static constexpr Index kWhole = kLaneFactors ? N / kLanes : 0, kRest = N - kWhole * kLanes;
  Vec whole[kWhole > 0 ? kWhole : 1];
  real rest[kRest > 0 ? kRest : 1];
  explicit Factors(const real* p) {
#pragma GCC unroll 4
    for (Index i = 0; i < kWhole; ++i) whole[i] = load(p + i * kLanes);
#pragma GCC unroll 16
    for (Index i = 0; i < kRest; ++i) rest[i] = p[kWhole * kLanes + i];
  }
  real operator[](Index i) const {
    return i < kWhole * kLanes ? whole[i / kLanes][i % kLanes] : rest[i - kWhole * kLanes];
  }
};

static constexpr Index imin(Index a, Index b) { return a < b ? a : b; }
static constexpr Index imax(Index a, Index b) { return a > b ? a : b; }
static constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
static constexpr Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

}  // namespace fu::FU_ISA
