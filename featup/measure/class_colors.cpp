#include "featup/measure/class_colors.h"

#include <cstdint>

namespace fu {

std::array<unsigned char, 3> class_color(Index i) {
  static constexpr std::uint32_t kColors[kClassColors] = {
#include "featup/measure/class_colors.def"
  };
  const std::uint32_t c = kColors[i % kClassColors];
  return {static_cast<unsigned char>(c >> 16), static_cast<unsigned char>(c >> 8 & 255),
          static_cast<unsigned char>(c & 255)};
}

}  // namespace fu
