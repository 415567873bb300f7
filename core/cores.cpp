#include "core/cores.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstdio>
#include <thread>

namespace fu {

namespace {

int scheduled_cores() {
#ifdef __linux__
  cpu_set_t cores;  // for 1024 cores; larger machines answer with an error
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

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
  const int n = std::max(1, scheduled_cores());
  return std::max(1, control_group_cores(n));
}

}  // namespace fu
