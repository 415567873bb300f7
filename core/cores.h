// How much of the machine the process may use.
#pragma once

namespace fu {

/// Number of cores, 1 or more: those that the system's scheduler may run the process on (taskset, cpuset), and no more
/// than the share of time that its control group has (docker run --cpus), rounded up.
int usable_cores();

}  // namespace fu
