#include "core/control_groups.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "core/cores.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// A machine of files: what a kernel would say.
struct Machine {
  TempFolder folder;
  void say(const std::string& path, const std::string& text) const {
    const std::filesystem::path file(folder / path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double cores() const { return control_group_cores(folder.path()); }
  std::uint64_t memory() const { return control_group_memory(folder.path()); }
};

}  // namespace

TEST_CASE("control groups: a system without them, and groups without limits, leave all to the process") {
  const Machine none;
  CHECK(std::isinf(none.cores()));
  CHECK(none.memory() == kNoLimit);

  const Machine second;
  second.say("proc/self/cgroup", "0::/\n");
  second.say("sys/fs/cgroup/cpu.max", "max 100000\n");
  second.say("sys/fs/cgroup/memory.max", "max\n");
  second.say("sys/fs/cgroup/memory.current", "1000\n");
  CHECK(std::isinf(second.cores()));
  CHECK(second.memory() == kNoLimit);

  const Machine first;
  first.say("proc/self/cgroup", "2:cpu,cpuacct:/\n1:memory:/\n");
  first.say("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  first.say("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(std::isinf(first.cores()));
  CHECK(first.memory() == kNoLimit);
}

TEST_CASE("control groups: limits of a container, of both versions") {
  const Machine second;
  second.say("proc/self/cgroup", "0::/\n");
  second.say("sys/fs/cgroup/cpu.max", "150000 100000\n");
  second.say("sys/fs/cgroup/memory.max", "1000000\n");
  second.say("sys/fs/cgroup/memory.current", "700000\n");
  second.say("sys/fs/cgroup/memory.stat", "anon 300000\ninactive_file 250000\nactive_file 150000\n");
  CHECK(second.cores() == 1.5);
  CHECK(second.memory() == 700000);  // 400,000 of what is in use are pages of files

  // The process is told a place of the host's, while the container sees its own group as the root.
  const Machine first;
  first.say("proc/self/cgroup", "4:memory:/docker/1f2e\n3:cpu,cpuacct:/docker/1f2e\n0::/docker/1f2e\n");
  first.say("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  first.say("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  first.say("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n");
  first.say("sys/fs/cgroup/memory/memory.usage_in_bytes", "900000\n");
  first.say("sys/fs/cgroup/memory/memory.stat",
            "inactive_file 1000\ntotal_inactive_file 100000\ntotal_active_file 1\n");
  CHECK(first.cores() == 0.5);
  CHECK(first.memory() == 200001);
}

TEST_CASE("control groups: both versions beside each other, and a tree of several kinds without links to it") {
  const Machine both;
  both.say("proc/self/cgroup", "3:cpu,cpuacct:/\n2:memory:/\n0::/robot.slice\n");
  both.say("sys/fs/cgroup/unified/cgroup.controllers", "cpu memory\n");
  both.say("sys/fs/cgroup/unified/robot.slice/cpu.max", "300000 100000\n");
  both.say("sys/fs/cgroup/unified/robot.slice/memory.max", "5000\n");
  both.say("sys/fs/cgroup/unified/robot.slice/memory.current", "1000\n");
  both.say("sys/fs/cgroup/unified/robot.slice/memory.stat", "slab_reclaimable 100\nslab 300\n");
  CHECK(both.cores() == 3);
  CHECK(both.memory() == 4100);
  both.say("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  both.say("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(both.cores() == 1);

  // Of version 2 alone, with groups of others that have the names of kinds.
  const Machine second;
  second.say("proc/self/cgroup", "0::/mine\n");
  second.say("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
  second.say("sys/fs/cgroup/cpu/cpu.max", "50000 100000\n");
  second.say("sys/fs/cgroup/unified/cgroup.controllers", "cpu memory\n");
  second.say("sys/fs/cgroup/unified/mine/cpu.max", "50000 100000\n");
  second.say("sys/fs/cgroup/memory/memory.max", "100\n");
  second.say("sys/fs/cgroup/memory/memory.current", "1\n");
  CHECK(std::isinf(second.cores()));
  CHECK(second.memory() == kNoLimit);
}

TEST_CASE("control groups: the smallest limit of those that a service is in counts") {
  const Machine machine;
  machine.say("proc/self/cgroup", "0::/robot.slice/camera.service\n");
  machine.say("sys/fs/cgroup/robot.slice/camera.service/cpu.max", "400000 100000\n");
  machine.say("sys/fs/cgroup/robot.slice/cpu.max", "200000 100000\n");
  machine.say("sys/fs/cgroup/robot.slice/camera.service/memory.max", "500\n");
  machine.say("sys/fs/cgroup/robot.slice/camera.service/memory.current", "600\n");
  machine.say("sys/fs/cgroup/robot.slice/memory.max", "5000\n");
  machine.say("sys/fs/cgroup/robot.slice/memory.current", "600\n");
  CHECK(machine.cores() == 2);
  CHECK(machine.memory() == 0);  // more than is allowed is in use already
}

TEST_CASE("control groups: files that say something else are no limit") {
  const Machine machine;
  machine.say("proc/self/cgroup", "\n:\nnothing\n7:cpu\n0::\n1:cpuset,xcpu:/a\n0::relative\n");
  machine.say("sys/fs/cgroup/cpu.max", "many\n");
  machine.say("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  machine.say("sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n");
  machine.say("sys/fs/cgroup/memory.max", "-5\n");
  machine.say("sys/fs/cgroup/memory.current", "\n");
  CHECK(std::isinf(machine.cores()));
  CHECK(machine.memory() == kNoLimit);
  CHECK(usable_cores() >= 1);
}
