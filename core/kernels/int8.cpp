// The matrix product with weights of 8 bits: see int8.h.
//
// A task rounds its rows of activations once, then takes one panel of weights after the other: widens a block of it,
// and multiplies all its rows with the block. Sums of 32 bits wait in scratch memory between blocks of k.
#include "core/kernels/int8.h"

#include "core/kernels/windows.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kTaskStrips = 96 / kMicroRows, kTaskRows = kTaskStrips * kMicroRows;
constexpr Index kTaskPanels = imax(1, 768 / kMicroCols);  // rows are rounded once for so many panels

// Bits of a real: those of the fraction, and the exponent's bias.
constexpr IntLane kFractionBits = sizeof(real) == 8 ? 52 : 23, kExponentBias = sizeof(real) == 8 ? 1023 : 127;
constexpr IntLane kInfinity = (2 * kExponentBias + 1) << kFractionBits;
/// x + kWhole holds the nearest whole number of x, ties to even, in its low bits: 1.5 * 2^23 leaves no bit for a
/// fraction.
constexpr real kWhole = sizeof(real) == 8 ? static_cast<real>(6755399441055744.0) : static_cast<real>(12582912.0);

/// 2^exponent, of ordinary size.
real power_of_two(IntLane exponent) {
  const IntLane bits = (exponent + kExponentBias) << kFractionBits;
  real power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

/// Where the elements of one worker lie in its part of the scratch memory, in reals.
struct Layout {
  Index blocks, rows, panel, sums, window, units, size;
  explicit Layout(Index k)
      : blocks(imax(1, ceil_div(dot_length(k), dot_depth(k)))),
        rows(0),
        panel(rows + reals(2 * kTaskRows * blocks * kDotStride)),
        sums(panel + reals(2 * kDotDepth * kMicroCols)),
        window(sums + reals(4 * kTaskRows * kMicroCols)),
        units(window + kDotDepth + 16),
        size(units + round_up(kTaskRows, 16)) {}
  static Index reals(Index bytes) { return round_up(ceil_div(bytes, static_cast<Index>(sizeof(real))), 16); }
};

/// Elements [p0, p0 + n) of a row of A; of windows, copied to `copy`.
const real* part_of_row(const GemmArgs& g, Index row, Index p0, Index n, real* copy) {
  if (!g.windows) return g.a + row * g.a_row + p0;
  copy_windows(g.a, *g.windows, row, 1, p0, n, copy);
  return copy;
}

/// Bits of the largest |x|, larger ones for infinity and NaN.
IntLane largest_bits(const real* x, Index n) {
  const VecInt magnitude = VecInt{} + (kInfinity | ((IntLane{1} << kFractionBits) - 1));  // all but the sign
  VecInt most{};
  for (Index p = 0; p < n; p += kLanes) {
    const VecInt bits = reinterpret_cast<VecInt>(load_n(x + p, n - p)) & magnitude;
    most = bits > most ? bits : most;
  }
  IntLane largest = 0;
  for (Index i = 0; i < kLanes; ++i) largest = most[i] > largest ? most[i] : largest;
  return largest;
}

/// Rounds x * power to whole numbers; `padded` of them are written, those behind n are 0. Where they are two planes,
/// the second one is kDotDepth bytes behind the first.
void round_numbers(const real* x, Index n, real power, Index padded, std::int16_t* out) {
  typedef std::int16_t Shorts __attribute__((vector_size(2 * kLanes), aligned(2), may_alias));
  typedef std::int8_t Bytes __attribute__((vector_size(kLanes), aligned(1), may_alias));
  const Vec factor = splat(power), whole = splat(kWhole);
  auto* const bytes = reinterpret_cast<std::int8_t*>(out);
  for (Index p = 0; p < padded; p += kLanes) {
    const VecInt bits = reinterpret_cast<VecInt>(load_n(x + p, n - p) * factor + whole);
    const VecInt number = bits - reinterpret_cast<VecInt>(whole);
    if constexpr (kDotPlanes == 1) {
      *reinterpret_cast<Shorts*>(out + p) = __builtin_convertvector(number, Shorts);
    } else {
      // 256 * upper + lower, with lower from -128 to 127.
      *reinterpret_cast<Bytes*>(bytes + p) = __builtin_convertvector((number + 128) >> 8, Bytes);
      *reinterpret_cast<Bytes*>(bytes + kDotDepth + p) = __builtin_convertvector(number, Bytes);
    }
  }
}

/// Rounds a row of A into the layout of the inner loop, and returns what 1 stands for there: NaN for a row that holds
/// infinity or NaN.
real round_row(const GemmArgs& g, Index row, Index depth, Index blocks, real* window, std::int16_t* out) {
  const Index length = dot_length(g.k), limit = int8_activation_limit(g.k);
  IntLane largest = 0;
  for (Index p0 = 0; p0 < g.k; p0 += depth) {
    const Index n = imin(depth, g.k - p0);
    const IntLane bits = largest_bits(part_of_row(g, row, p0, n, window), n);
    largest = bits > largest ? bits : largest;
  }
  real largest_number;
  __builtin_memcpy(&largest_number, &largest, sizeof largest_number);
  // The largest power of 2 with which the largest number is not above the limit.
  IntLane exponent = kExponentBias - (largest >> kFractionBits);
  for (Index bits = limit; bits > 1; bits /= 2) ++exponent;
  exponent = exponent < 100 ? exponent : 100;
  const bool finite = largest < kInfinity;
  if (!finite) exponent = 0;
  if (largest_number * power_of_two(exponent) > static_cast<real>(limit)) --exponent;
  if (!finite) exponent = 0;
  const real power = power_of_two(exponent);
  for (Index b = 0; b < blocks; ++b) {
    const Index p0 = b * depth, n = imin(depth, g.k - p0);
    std::int16_t* const block = out + b * kTaskRows * kDotStride;
    if (finite)
      round_numbers(part_of_row(g, row, p0, n, window), n, power, imin(depth, length - p0), block);
    else
      for (Index p = 0; p < kDotStride; ++p) block[p] = 0;
  }
  return finite ? power_of_two(-exponent) : static_cast<real>(__builtin_nanf(""));
}

/// n packed weights, a multiple of 2 kMicroCols, as they are multiplied: widened to `panel`, or as they are.
template <class Number>
const Number* numbers_of(const std::int8_t* packed, Index n, Number* panel) {
  if constexpr (sizeof(Number) == 1) {
    return packed;
  } else {
    typedef std::int8_t Bytes __attribute__((vector_size(2 * kWordLanes), aligned(1), may_alias));
    for (Index i = 0; i < n; i += 2 * kWordLanes) {
      const VecShort wide = __builtin_convertvector(*reinterpret_cast<const Bytes*>(packed + i), VecShort);
      __builtin_memcpy(panel + i, &wide, sizeof wide);
    }
    return panel;
  }
}

/// sums (ROWS, kMicroCols) += of k numbers, whole steps; `first`: = instead. a: rows kDotStride apart; panel: (k,
/// kMicroCols) in the order of Dots.
template <Index ROWS>
void dot_tile(Index k, const std::int16_t* __restrict a, const Dots::Number* __restrict panel,
              std::int32_t* __restrict sums, bool first) {
  typedef std::uint32_t Unsigned __attribute__((vector_size(FU_VECTOR_BYTES)));
  VecWord acc[ROWS][kWordVectors];
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kWordVectors; ++j) acc[i][j] = VecWord{};
  for (Index plane = 0; plane < kDotPlanes; ++plane) {
    if (plane > 0) {  // what was summed are upper bytes
#pragma GCC unroll 16
      for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
        for (Index j = 0; j < kWordVectors; ++j)
          acc[i][j] = reinterpret_cast<VecWord>(reinterpret_cast<Unsigned>(acc[i][j]) << 8);
    }
    const char* row = reinterpret_cast<const char*>(a) + plane * kDotDepth;
    constexpr Index row_bytes = Dots::kStep * static_cast<Index>(sizeof(Dots::Number));
    const Dots::Number* numbers = panel;
    for (Index p = 0; p < k; p += Dots::kStep, row += row_bytes, numbers += Dots::kStep * kMicroCols)
      Dots::step(acc, row, 2 * kDotStride, numbers);
  }
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i)
#pragma GCC unroll 2
    for (Index j = 0; j < kWordVectors; ++j) {
      void* const out = __builtin_assume_aligned(sums + i * kMicroCols + j * kWordLanes, sizeof(VecWord));
      VecWord before{};
      if (!first) __builtin_memcpy(&before, out, sizeof before);
      before += acc[i][j];
      __builtin_memcpy(out, &before, sizeof before);
    }
}

void dot_tile_rows(Index rows, Index k, const std::int16_t* a, const Dots::Number* panel, std::int32_t* sums,
                   bool first) {
  switch (rows) {
// clang-format off
#define FU_ROWS(N) \
  case N:          \
    if constexpr (N <= kMicroRows) return dot_tile<N>(k, a, panel, sums, first); \
    break;
    FU_ROWS(1) FU_ROWS(2) FU_ROWS(3) FU_ROWS(4) FU_ROWS(5) FU_ROWS(6) FU_ROWS(7) FU_ROWS(8) FU_ROWS(9) FU_ROWS(10)
    FU_ROWS(11) FU_ROWS(12) FU_ROWS(13) FU_ROWS(14) FU_ROWS(15) FU_ROWS(16)
#undef FU_ROWS
    // clang-format on
  }
}

/// Finished sums (rows, kMicroCols) of panel j as reals, with bias and activation, to rows of C from first_row on.
void finish_sums(const GemmArgs& g, Index first_row, Index rows, Index j, const std::int32_t* sums, const real* units) {
  typedef std::int32_t Words __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
  const Index column = j * kMicroCols, cols = imin(kMicroCols, g.n - column);
  real bias[kMicroCols] __attribute__((aligned(64))) = {}, tile[kMicroRows * kMicroCols] __attribute__((aligned(64)));
  for (Index t = 0; g.bias && t < cols; ++t) bias[t] = g.bias[column + t];
  Vec scale[kMicroVectors];
  for (Index t = 0; t < kMicroVectors; ++t) scale[t] = load_n(g.narrow_scale + column + t * kLanes, cols - t * kLanes);
  const Epilogue e{g.bias ? bias : nullptr, g.activation, g.accumulate};
  for (Index r = 0; r < rows; r += kMicroRows) {
    const Index height = imin(kMicroRows, rows - r);
    for (Index i = 0; i < height; ++i)
      for (Index t = 0; t < kMicroVectors; ++t) {
        const std::int32_t* in = sums + (r + i) * kMicroCols + t * kLanes;
        store(tile + i * kMicroCols + t * kLanes,
              __builtin_convertvector(*reinterpret_cast<const Words*>(in), Vec) * (scale[t] * units[r + i]));
      }
    finish_tile(tile, height, g.c + (first_row + r) * g.ldc + column, g.ldc, cols, e);
  }
}

/// Rows [first_row, first_row + rows), at most kTaskRows, and panels [j0, j1) of the product.
void product_task(const GemmArgs& g, Index first_row, Index rows, Index j0, Index j1, real* scratch) {
  const Layout layout(g.k);
  const Index length = dot_length(g.k), depth = dot_depth(g.k), padded_n = round_up(g.n, kMicroCols);
  auto* const a = reinterpret_cast<std::int16_t*>(scratch + layout.rows);
  auto* const panel = reinterpret_cast<Dots::Number*>(scratch + layout.panel);
  auto* const sums = reinterpret_cast<std::int32_t*>(scratch + layout.sums);
  real* const units = scratch + layout.units;
  for (Index i = 0; i < rows; ++i)
    units[i] = round_row(g, first_row + i, depth, layout.blocks, scratch + layout.window, a + i * kDotStride);
  const auto* weights = static_cast<const std::int8_t*>(g.narrow_b);
  for (Index j = j0; j < j1; ++j) {
    for (Index b = 0; b < layout.blocks; ++b) {
      const Index p0 = b * depth, kb = imin(depth, length - p0);
      const Dots::Number* const numbers =
          numbers_of(weights + p0 * padded_n + j * kMicroCols * kb, kb * kMicroCols, panel);
      for (Index r = 0; r < rows; r += kMicroRows)
        dot_tile_rows(imin(kMicroRows, rows - r), kb, a + b * kTaskRows * kDotStride + r * kDotStride, numbers,
                      sums + r * kMicroCols, b == 0);
    }
    finish_sums(g, first_row, rows, j, sums, units);
  }
}

}  // namespace

Index int8_product_scratch(const GemmArgs& g) { return Layout(g.k).size * g.workers; }

void int8_product(const GemmArgs& g) {
  const Index panels = ceil_div(g.n, kMicroCols), strips = ceil_div(g.m, kMicroRows), size = Layout(g.k).size;
  // Tasks as gemm() cuts them, but of more columns: each task rounds its rows anew.
  const Index row_blocks = ceil_div(strips, kTaskStrips),
              row_tasks = row_blocks > 1 ? imin(strips, round_up(row_blocks, 2)) : 1;
  const Index rows_per_task = ceil_div(strips, row_tasks) * kMicroRows;
  const Index col_tasks = imax(ceil_div(panels, kTaskPanels), imin(panels, ceil_div(8, row_tasks)));
  const Index panels_per_task = ceil_div(panels, col_tasks);
  parallel_for(row_tasks * col_tasks, g.workers, [&](Index task, int worker) {
    const Index first = task / col_tasks * rows_per_task, j0 = task % col_tasks * panels_per_task;
    const Index rows = imin(rows_per_task, g.m - first);
    if (rows > 0) product_task(g, first, rows, j0, imin(j0 + panels_per_task, panels), g.scratch + worker * size);
  });
}

}  // namespace fu::FU_ISA
