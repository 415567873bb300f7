// Weights of 16 bits: widened for the inner loop of a product, or, in bf16 where the target has instructions for it,
// multiplied as they are.
#pragma once

#include "core/kernels/gemm_micro.h"

namespace fu::FU_ISA {

constexpr Index kPanelSize = kMaxDepth * kMicroCols;  // reals of a panel at most

/// kLanes numbers of 16 bits as reals; exact.
template <NarrowType TYPE>
static inline Vec widen(const std::uint16_t* p) {
  const Halves halves = *reinterpret_cast<const HalvesUnaligned*>(p);
  if constexpr (TYPE == NarrowType::bf16) {
    const Bits bits = __builtin_convertvector(halves, Bits);
    return __builtin_convertvector(reinterpret_cast<Floats>(bits << 16), Vec);
  } else {
    return __builtin_convertvector(widen_f16(halves), Vec);
  }
}

template <NarrowType TYPE>
static inline void widen_rows(const std::uint16_t* in, const real* scale, Index k, real* out) {
  Vec factor[kMicroVectors];
  for (Index j = 0; j < kMicroVectors; ++j) factor[j] = load(scale + j * kLanes);
  for (Index p = 0; p < k; ++p)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) {
      const Index at = p * kMicroCols + j * kLanes;
      store(out + at, widen<TYPE>(in + at) * factor[j]);
    }
}

/// The scales of panel j's columns.
static inline void column_scales(const GemmArgs& g, Index j, real* scale) {
  for (Index t = 0; t < kMicroCols; ++t)
    scale[t] = g.narrow_scale && j * kMicroCols + t < g.n ? g.narrow_scale[j * kMicroCols + t] : 1;
}

/// Rows [p0, p0 + k) of panel j of a narrow B of 16 bits, as pack_panel would have packed them: (k, kMicroCols).
static inline void widen_panel(const GemmArgs& g, Index p0, Index k, Index j, real* out) {
  const auto* numbers = static_cast<const std::uint16_t*>(g.narrow_b);
  const std::uint16_t* in = numbers + p0 * round_up(g.n, kMicroCols) + j * kMicroCols * k;
  real scale[kMicroCols] __attribute__((aligned(64)));
  column_scales(g, j, scale);
  if (g.narrow_type == NarrowType::bf16)
    widen_rows<NarrowType::bf16>(in, scale, k, out);
  else
    widen_rows<NarrowType::f16>(in, scale, k, out);
}

/// Whether products with numbers of this type round activations to bf16, and multiply them as they are.
static constexpr bool multiplies_bf16(NarrowType type) { return Bf16::kStep > 0 && type == NarrowType::bf16; }

/// k with what fills the last step.
static constexpr Index halves_length(NarrowType type, Index k) {
  return multiplies_bf16(type) ? round_up(k, imax(1, Bf16::kStep)) : k;
}

/// Rounds rows that lie as copy_rows wrote them to bf16 in place, to nearest, ties to even; numbers from k on are 0.
static inline void round_to_bf16(Index rows, Index k, real* copy) {
  const Index padded = halves_length(NarrowType::bf16, k);
  for (Index i = 0; i < rows; ++i) {
    real* const row = copy + i * kRowStride;
    for (Index p = 0; p < padded; p += kLanes) {
      const Vec x = load_n(row + p, k - p);
      const Bits bits = reinterpret_cast<Bits>(__builtin_convertvector(x, Floats));
      const Bits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
      const auto is_number = x == x;
      const Halves halves = __builtin_convertvector(
          (__builtin_convertvector(is_number, Bits) & rounded) | (~__builtin_convertvector(is_number, Bits) & quiet),
          Halves);
      // Half as far as what is read: numbers that are still to be read stay.
      *reinterpret_cast<HalvesUnaligned*>(reinterpret_cast<std::uint16_t*>(row) + p) = halves;
    }
  }
}

/// As micro_tile, for rows that round_to_bf16 wrote and a panel of B in the order of DOTS. scale (kMicroCols): of B's
/// columns.
template <class DOTS, Index ROWS>
static void bf16_tile(Index k, const real* __restrict a, const std::int16_t* __restrict panel, const real* scale,
                      real* c, Index ldc, Index cols, const Epilogue& e) {
  Floats acc[ROWS][kMicroVectors];
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j) acc[i][j] = Floats{};
  const char* row = reinterpret_cast<const char*>(a);
  for (Index p = 0; p < k; p += DOTS::kStep, row += 2 * DOTS::kStep, panel += DOTS::kStep * kMicroCols)
    DOTS::step(acc, row, kRowStride * static_cast<Index>(sizeof(real)), panel);
  real tile[ROWS * kMicroCols] __attribute__((aligned(64)));
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kMicroVectors; ++j)
      store(tile + i * kMicroCols + j * kLanes, __builtin_convertvector(acc[i][j], Vec) * load(scale + j * kLanes));
  finish_tile(tile, ROWS, c, ldc, cols, e);
}

/// bf16_tile for 1 <= rows <= kMicroRows.
template <class DOTS>
static void bf16_tile_rows(Index rows, Index k, const real* a, const std::int16_t* panel, const real* scale, real* c,
                           Index ldc, Index cols, const Epilogue& e) {
  if constexpr (DOTS::kStep > 0) {
    switch (rows) {
// clang-format off
#define FU_ROWS(N) \
  case N:          \
    if constexpr (N <= kMicroRows) return bf16_tile<DOTS, N>(k, a, panel, scale, c, ldc, cols, e); \
    break;
      FU_ROWS(1) FU_ROWS(2) FU_ROWS(3) FU_ROWS(4) FU_ROWS(5) FU_ROWS(6) FU_ROWS(7) FU_ROWS(8) FU_ROWS(9) FU_ROWS(10)
      FU_ROWS(11) FU_ROWS(12) FU_ROWS(13) FU_ROWS(14) FU_ROWS(15) FU_ROWS(16)
#undef FU_ROWS
      // clang-format on
    }
  }
}

}  // namespace fu::FU_ISA
