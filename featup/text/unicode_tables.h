// The tables of unicode_tables.def, and how they are searched: for unicode.cpp and compose.cpp alone.
#pragma once

#include <algorithm>
#include <iterator>

namespace fu::unicode {

struct Range {
  char32_t first, last;
};
/// Every step-th character of [first, last] becomes lower case by adding delta.
struct LowerRun {
  char32_t first, last, step;
  int delta;
};
/// One step: `first` may be decomposed again. second is 0 where one character is only another's name.
struct Decomposition {
  char32_t composed, first, second;
};
/// Characters of one combining class.
struct CombiningRun {
  char32_t first, last;
  int number;
};

#include "featup/text/unicode_tables.def"

/// The row of a sorted table whose range holds c; null if none does.
template <class Row, std::size_t n>
const Row* find_run(const Row (&rows)[n], char32_t c) {
  const Row* at = std::upper_bound(rows, rows + n, c, [](char32_t x, const Row& row) { return x < row.first; });
  return at != rows && c <= (at - 1)->last ? at - 1 : nullptr;
}

}  // namespace fu::unicode
