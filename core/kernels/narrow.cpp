// Narrow weights in the order in which the product reads them.
#include "core/kernels/narrow.h"

#include "core/kernels/declare.h"
#include "core/kernels/int8.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// Panel j of rows [p0, p0 + k) of B from its columns (n, stride): (k, kMicroCols).
void pack_halves(const std::uint16_t* columns, Index stride, Index p0, Index k, Index cols, std::uint16_t* packed) {
  for (Index p = 0; p < k; ++p)
    for (Index j = 0; j < kMicroCols; ++j)
      packed[p * kMicroCols + j] = j < cols ? columns[j * stride + p0 + p] : std::uint16_t{0};
}

/// The same of int8, the numbers of two rows side by side: (k / 2, kMicroCols, 2).
void pack_pairs(const std::int8_t* columns, Index stride, Index p0, Index k, Index cols, std::int8_t* packed) {
  for (Index p = 0; p < k; ++p)
    for (Index j = 0; j < kMicroCols; ++j) {
      const bool inside = j < cols && p0 + p < stride;
      packed[(p / 2 * kMicroCols + j) * 2 + p % 2] = inside ? columns[j * stride + p0 + p] : std::int8_t{0};
    }
}

}  // namespace

Index narrow_packed_size(NarrowType type, Index k, Index n) {
  const Index padded_n = round_up(n, kMicroCols);
  const Index bytes = type == NarrowType::int8 ? round_up(k, 2) * padded_n : 2 * k * padded_n;
  return ceil_div(bytes, static_cast<Index>(sizeof(real)));
}

void narrow_pack(NarrowType type, const void* rows, Index k, Index n, void* packed) {
  // Order: blocks of k, in each block its panels, as gemm_pack has it.
  const bool pairs = type == NarrowType::int8;
  const Index length = pairs ? round_up(k, 2) : k, depth = pairs ? pair_depth(k) : depth_block(k);
  const Index panels = ceil_div(n, kMicroCols), blocks = ceil_div(length, depth);
  parallel_for(blocks * panels, [&](Index task) {
    const Index p0 = task / panels * depth, j = task % panels, kb = imin(depth, length - p0);
    const Index at = p0 * panels * kMicroCols + j * kMicroCols * kb, column = j * kMicroCols * k;
    const Index cols = imin(kMicroCols, n - j * kMicroCols);
    if (pairs)
      pack_pairs(static_cast<const std::int8_t*>(rows) + column, k, p0, kb, cols,
                 static_cast<std::int8_t*>(packed) + at);
    else
      pack_halves(static_cast<const std::uint16_t*>(rows) + column, k, p0, kb, cols,
                  static_cast<std::uint16_t*>(packed) + at);
  });
}

}  // namespace fu::FU_ISA
