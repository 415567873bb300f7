// The number types that every other file shares. Kernel files include this: no standard library beyond <cstddef> and
// <cstdint>.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fu {

/// The number type of all tensors: float, or double in a build with -DFU_REAL=double, for gradient checks.
#ifdef FU_REAL_DOUBLE
using real = double;
#else
using real = float;
#endif

/// Sizes and positions. Signed, so that differences and backward loops are safe.
using Index = std::int64_t;

/// A size or position that is known not to be negative, as the standard library's containers take it.
static constexpr std::size_t usize(Index n) { return static_cast<std::size_t>(n); }

/// Position i of an axis of n that is mirrored at its ends without repeating them, as often as needed. Static: every
/// instruction set compiles its own.
static constexpr Index reflect(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = (i % period + period) % period;
  return i < n ? i : period - i;
}

}  // namespace fu
