#include "core/cores.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "core/system.h"

namespace fu {

namespace {

/// Control groups say "quota period", both in microseconds, or "max period".
int control_group_cores(int otherwise) {
  std::FILE* const f = std::fopen("/sys/fs/cgroup/cpu.max", "r");
  if (!f) return otherwise;
  long long quota = 0, period = 0;
  const bool limited = std::fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
  std::fclose(f);
  return limited ? static_cast<int>(std::min<long long>((quota + period - 1) / period, otherwise)) : otherwise;
}

}  // namespace

int usable_cores() {
  const int scheduled = os::scheduled_cores();
  const int n = scheduled > 0 ? scheduled : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, control_group_cores(std::max(1, n)));
}

}  // namespace fu
