// Chapter 3: the steps of a matrix product, compiled once for each width of vectors.
#pragma once

#include "core/base.h"

namespace fu::book {

struct Tile {
  Index rows;
  void (*run)(Index depth, const real* a, const real* b, real* c, Index c_row);
};

/// The steps with the vectors of one instruction set. Matrices are n x n, row-major; n is a multiple of 480.
struct KernelSteps {
  const char* name;
  Index lanes, rows, cols, block;  // numbers in a vector; a tile's rows and columns; rows of a that are packed together
  Index chains;                    // fused multiply-adds on vectors in a round of fma_peak

  real (*fma_peak)(Index rounds);
  void (*naive)(Index n, const real* a, const real* b, real* c);
  void (*row_order)(Index n, const real* a, const real* b, real* c);
  void (*blocked)(Index n, const real* a, const real* b, real* c);
  void (*vectors)(Index n, const real* a, const real* b, real* c);
  void (*tiled)(Index n, const real* a, const real* b, real* c);
  void (*pack_b)(Index n, const real* b, Index panel, real* packed);
  void (*packed_rows)(Index n, const real* a, const real* packed, real* c, Index first, real* scratch);
  Tile tiles[7];
};

namespace basic {
const KernelSteps& steps();
}
#ifdef BOOK_X86_64
namespace avx2 {
const KernelSteps& steps();
}
namespace avx512 {
const KernelSteps& steps();
}
#endif

}  // namespace fu::book
