// What Linux's control groups leave to this process: containers (docker run --cpus --memory), services (CPUQuota=,
// MemoryMax=), batch jobs.
//
// A process is in a group, which is in others; each may have a limit, and the smallest counts. Both versions are read:
// of version 1 every kind of limit has groups of its own, version 2 has one tree for all. `root`: the folder in which
// /proc and /sys are, for tests.
#pragma once

#include <cstdint>
#include <string>

namespace fu {

/// Cores' worth of time, 0.5 for half of one's; infinity without a limit.
double control_group_cores(const std::string& root = "");

/// Bytes that the process may still take before the system kills it, pages of files that the system can drop counted as
/// free; the largest number without a limit.
std::uint64_t control_group_memory(const std::string& root = "");

}  // namespace fu
