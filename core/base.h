// The number types that every other file shares. Kernel files include this: no standard library beyond <cstdint>.
#pragma once

#include <cstdint>

namespace fu {

#ifdef FU_REAL_DOUBLE
using real = double;  // gradient checks
#else
using real = float;
#endif

/// Sizes and positions. Signed, so that differences and backward loops are safe.
using Index = std::int64_t;

}  // namespace fu
