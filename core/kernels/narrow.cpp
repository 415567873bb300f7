// Narrow weights in the order in which the product reads them.
#include "core/kernels/narrow.h"

#include "core/kernels/declare.h"
#include "core/kernels/int8.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// Panel j of rows [p0, p0 + k) of B from its columns (n, stride), with `together` of k side by side: (k / together,
/// kMicroCols, together). Zeros are where B has no more columns or rows.
template <class Number>
void pack_columns(const Number* columns, Index stride, Index p0, Index k, Index cols, Index together, Number* packed) {
  for (Index p = 0; p < k; ++p)
    for (Index j = 0; j < kMicroCols; ++j)
      packed[(p / together * kMicroCols + j) * together + p % together] =
          j < cols && p0 + p < stride ? columns[j * stride + p0 + p] : Number{0};
}

/// k with what fills the last step of the inner loop.
Index packed_length(NarrowType type, Index k) {
  return type == NarrowType::int8 ? dot_length(k) : halves_length(type, k);
}

}  // namespace

Index narrow_packed_size(NarrowType type, Index k, Index n) {
  const Index padded_n = round_up(n, kMicroCols);
  const Index bytes = (type == NarrowType::int8 ? 1 : 2) * packed_length(type, k) * padded_n;
  return ceil_div(bytes, static_cast<Index>(sizeof(real)));
}

void narrow_pack(NarrowType type, const void* rows, Index k, Index n, void* packed) {
  // Order: blocks of k, in each block its panels, as gemm_pack has it.
  const bool int8 = type == NarrowType::int8;
  const Index length = packed_length(type, k), depth = int8 ? dot_depth(k) : depth_block(k);
  const Index panels = ceil_div(n, kMicroCols), blocks = ceil_div(length, depth);
  parallel_for(blocks * panels, [&](Index task) {
    const Index p0 = task / panels * depth, j = task % panels, kb = imin(depth, length - p0);
    const Index at = p0 * panels * kMicroCols + j * kMicroCols * kb, column = j * kMicroCols * k;
    const Index cols = imin(kMicroCols, n - j * kMicroCols);
    if (int8)
      pack_columns(static_cast<const std::int8_t*>(rows) + column, k, p0, kb, cols, Dots::kTogether,
                   static_cast<std::int8_t*>(packed) + at);
    else
      pack_columns(static_cast<const std::uint16_t*>(rows) + column, k, p0, kb, cols, multiplies_bf16(type) ? 2 : 1,
                   static_cast<std::uint16_t*>(packed) + at);
  });
}

}  // namespace fu::FU_ISA
