#include "core/cores.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/control_groups.h"
#include "core/system.h"

namespace fu {

int usable_cores() {
  const int scheduled = os::scheduled_cores();
  const int n = scheduled > 0 ? scheduled : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, static_cast<int>(std::ceil(std::min<double>(n, control_group_cores()))));
}

}  // namespace fu
