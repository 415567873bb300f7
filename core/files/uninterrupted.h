// System calls that a signal can interrupt.
#pragma once

#include <cerrno>

namespace fu {

/// The result of `call`, which is called again for as long as a signal interrupts it. The program's own handlers never
/// do that; an application that has this library inside may have some that do (without SA_RESTART), and network file
/// systems let any signal interrupt.
template <class Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace fu
