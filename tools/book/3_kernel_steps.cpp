// Chapter 3: a matrix product, step by step. Compiled for each target by itself, into a namespace of its own, with the
// compiler's flags for that instruction set; so nothing of the standard library is used here.
#include "tools/book/3_kernel.h"

#ifndef BOOK_TARGET
#define BOOK_TARGET basic
#define BOOK_VECTOR_BYTES 16
#endif
#ifndef BOOK_ROWS
#define BOOK_ROWS 4  // rows of sums that stay in registers, of which there are 16
#endif

namespace fu::book::BOOK_TARGET {

namespace {

constexpr Index kDepth = 160;    // rows of b at a time
constexpr Index kColumns = 240;  // columns of b at a time, in the blocked loops
constexpr Index kBlock = 120;    // rows of a at a time, in the packed product

//! [naive]
/// c = a b
void naive(Index n, const real* a, const real* b, real* c) {
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      real sum = 0;
      for (Index k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
}
//! [naive]

//! [row_order]
void row_order(Index n, const real* a, const real* b, real* __restrict c) {
  for (Index i = 0; i < n * n; ++i) c[i] = 0;
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < n; ++k)
      for (Index j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
}
//! [row_order]

//! [blocked]
void blocked(Index n, const real* a, const real* b, real* __restrict c) {
  for (Index i = 0; i < n * n; ++i) c[i] = 0;
  for (Index k0 = 0; k0 < n; k0 += kDepth)
    for (Index j0 = 0; j0 < n; j0 += kColumns)
      for (Index i = 0; i < n; ++i)
        for (Index k = k0; k < k0 + kDepth; ++k)
          for (Index j = j0; j < j0 + kColumns; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
}
//! [blocked]

//! [vector_type]
typedef real Vec __attribute__((vector_size(BOOK_VECTOR_BYTES)));
constexpr Index kLanes = BOOK_VECTOR_BYTES / sizeof(real);

inline Vec load(const real* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(real* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
//! [vector_type]

//! [peak]
constexpr Index kChains = 10;

real fma_peak(Index rounds) {
  const volatile real f = real(0.9999), t = real(1e-4);  // volatile: the compiler cannot compute the result
  const Vec factor = Vec{} + f, term = Vec{} + t;
  Vec sum[kChains];
  for (Index i = 0; i < kChains; ++i) sum[i] = Vec{} + static_cast<real>(i);  // different, or the compiler may keep one
  for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 10
    for (Index i = 0; i < kChains; ++i) sum[i] = sum[i] * factor + term;
  for (Index i = 1; i < kChains; ++i) sum[0] += sum[i];
  return sum[0][0];
}
//! [peak]

//! [vectors]
void vectors(Index n, const real* a, const real* b, real* c) {
  for (Index j = 0; j < n; j += kLanes)
    for (Index i = 0; i < n; ++i) {
      Vec sum = {};
      for (Index k = 0; k < n; ++k) sum += a[i * n + k] * load(b + k * n + j);
      store(c + i * n + j, sum);
    }
}
//! [vectors]

//! [tile]
constexpr Index kRows = BOOK_ROWS, kCols = 2 * kLanes;

/// Adds to a tile of c, kRows x kCols, the product of kRows rows of a and kCols columns of b, `depth` terms of it.
inline void tile(Index n, Index depth, const real* a, const real* b, real* c) {
  Vec sum[kRows][2] = {};
  for (Index k = 0; k < depth; ++k) {
    const Vec b0 = load(b + k * n), b1 = load(b + k * n + kLanes);
#pragma GCC unroll 16
    for (Index i = 0; i < kRows; ++i) {
      sum[i][0] += a[i * n + k] * b0;
      sum[i][1] += a[i * n + k] * b1;
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < kRows; ++i) {
    store(c + i * n, load(c + i * n) + sum[i][0]);
    store(c + i * n + kLanes, load(c + i * n + kLanes) + sum[i][1]);
  }
}

void tiled(Index n, const real* a, const real* b, real* c) {
  for (Index i = 0; i < n * n; ++i) c[i] = 0;
  for (Index k0 = 0; k0 < n; k0 += kDepth)
    for (Index j = 0; j < n; j += kCols)
      for (Index i = 0; i < n; i += kRows) tile(n, kDepth, a + i * n + k0, b + k0 * n + j, c + i * n + j);
}
//! [tile]

//! [packed_tile]
/// The same for packed inputs: a (depth, ROWS) and b (depth, kCols), without gaps.
template <Index ROWS>
void packed_tile(Index depth, const real* a, const real* b, real* c, Index c_row) {
  Vec sum[ROWS][2] = {};
  for (Index k = 0; k < depth; ++k, a += ROWS, b += kCols) {
    const Vec b0 = load(b), b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (Index i = 0; i < ROWS; ++i) {
      sum[i][0] += a[i] * b0;
      sum[i][1] += a[i] * b1;
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < ROWS; ++i) {
    store(c + i * c_row, load(c + i * c_row) + sum[i][0]);
    store(c + i * c_row + kLanes, load(c + i * c_row + kLanes) + sum[i][1]);
  }
}
//! [packed_tile]

//! [pack]
/// kCols columns of b, from top to bottom, as panels of (kDepth, kCols): panel p of all k0.
void pack_b(Index n, const real* b, Index panel, real* packed) {
  for (Index k0 = 0; k0 < n; k0 += kDepth) {
    real* out = packed + k0 * n + panel * kDepth * kCols;
    for (Index k = k0; k < k0 + kDepth; ++k)
      for (Index j = 0; j < kCols; ++j) *out++ = b[k * n + panel * kCols + j];
  }
}

/// kBlock rows of a, columns k0 to k0 + kDepth, as strips of (kDepth, kRows).
void pack_a(Index n, const real* a, real* packed) {
  for (Index i0 = 0; i0 < kBlock; i0 += kRows)
    for (Index k = 0; k < kDepth; ++k)
      for (Index i = 0; i < kRows; ++i) *packed++ = a[(i0 + i) * n + k];
}

/// kBlock rows of c, from row `first` on. scratch: kBlock * kDepth numbers.
void packed_rows(Index n, const real* a, const real* packed, real* c, Index first, real* scratch) {
  for (Index i = first * n; i < (first + kBlock) * n; ++i) c[i] = 0;
  for (Index k0 = 0; k0 < n; k0 += kDepth) {
    pack_a(n, a + first * n + k0, scratch);
    for (Index j = 0; j < n; j += kCols)
      for (Index i = 0; i < kBlock; i += kRows)
        packed_tile<kRows>(kDepth, scratch + i * kDepth, packed + k0 * n + j * kDepth, c + (first + i) * n + j, n);
  }
}
//! [pack]

}  // namespace

#define BOOK_TEXT_(x) #x
#define BOOK_TEXT(x) BOOK_TEXT_(x)

const KernelSteps& steps() {
  static const KernelSteps all = {
      BOOK_TEXT(BOOK_TARGET),
      kLanes,
      kRows,
      kCols,
      kBlock,
      kChains,
      fma_peak,
      naive,
      row_order,
      blocked,
      vectors,
      tiled,
      pack_b,
      packed_rows,
      {{1, packed_tile<1>},
       {2, packed_tile<2>},
       {3, packed_tile<3>},
       {4, packed_tile<4>},
       {6, packed_tile<6>},
       {8, packed_tile<8>},
       {12, packed_tile<12>}},
  };
  return all;
}

}  // namespace fu::book::BOOK_TARGET
