#include "core/control_groups.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace fu {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File opened(const std::string& path) { return {std::fopen(path.c_str(), "r"), std::fclose}; }

/// The number that a file begins with; nothing if it is missing, or has a word there ("max").
std::optional<long long> number_in(const std::string& path) {
  const File file = opened(path);
  long long number = 0;
  if (!file || std::fscanf(file.get(), "%lld", &number) != 1) return std::nullopt;
  return number;
}

/// Whether a comma-separated list has the word.
bool lists(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

/// Where version 2 is: the whole tree, or beside trees of version 1 in a folder of its own.
std::string second_version(const std::string& tree) {
  return !opened(tree + "/cgroup.controllers") && opened(tree + "/unified/cgroup.controllers") ? tree + "/unified"
                                                                                               : tree;
}

/// Folders of the process's groups that can have limits of this kind ("cpu", "memory"), its own first, then those that
/// it is in. In a container the root of the tree is often the container's own group, whatever place the process is
/// told.
std::vector<std::string> group_folders(const std::string& root, const std::string& kind) {
  const std::string tree = root + "/sys/fs/cgroup";
  std::vector<std::string> folders;
  // A line for each tree: "4:cpu,cpuacct:/docker/1f2e", and of version 2 "0::/system.slice/camera.service".
  const File file = opened(root + "/proc/self/cgroup");
  char line[4096];
  while (file && std::fgets(line, sizeof line, file.get())) {
    std::string text = line;
    text.resize(std::min(text.size(), text.find('\n')));
    const std::size_t kinds = text.find(':') + 1, place = text.find(':', kinds) + 1;
    if (kinds == 0 || place == 0) continue;
    const std::string names = text.substr(kinds, place - 1 - kinds);
    if (!names.empty() && !lists(names, kind)) continue;
    // A tree for several kinds has the name of all, and mostly a link of each name that leads there.
    std::vector<std::string> bases = {second_version(tree)};
    if (!names.empty()) bases = {tree + "/" + kind, tree + "/" + names};
    for (const std::string& base : bases) {
      for (std::string path = text.substr(place); path.size() > 1 && path[0] == '/'; path.erase(path.rfind('/')))
        folders.push_back(base + path);
      folders.push_back(base);
    }
  }
  return folders;
}

/// Bytes of a group in pages of files and in what the kernel knows of them, which it drops when memory is needed.
std::uint64_t droppable(const std::string& statistics) {
  const File file = opened(statistics);
  std::uint64_t whole = 0, own = 0;
  char line[256];
  unsigned long long bytes = 0;
  while (file && std::fgets(line, sizeof line, file.get())) {
    // Version 1 has numbers of the group alone and, in front of them "total_", with all that are in it.
    if (std::sscanf(line, "total_inactive_file %llu", &bytes) == 1 ||
        std::sscanf(line, "total_active_file %llu", &bytes) == 1)
      whole += bytes;
    if (std::sscanf(line, "inactive_file %llu", &bytes) == 1 || std::sscanf(line, "active_file %llu", &bytes) == 1 ||
        std::sscanf(line, "slab_reclaimable %llu", &bytes) == 1)
      own += bytes;
  }
  return std::max(whole, own);
}

}  // namespace

double control_group_cores(const std::string& root) {
  double cores = std::numeric_limits<double>::infinity();
  for (const std::string& folder : group_folders(root, "cpu")) {
    // Microseconds of each period, of all cores together. Without a limit: "max", in version 1 a negative number.
    std::optional<long long> quota, period;
    if (const File file = opened(folder + "/cpu.max")) {
      long long a = 0, b = 0;
      if (std::fscanf(file.get(), "%lld %lld", &a, &b) == 2) quota = a, period = b;
    } else {
      quota = number_in(folder + "/cpu.cfs_quota_us"), period = number_in(folder + "/cpu.cfs_period_us");
    }
    if (quota && period && *quota > 0 && *period > 0)
      cores = std::min(cores, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  return cores;
}

std::uint64_t control_group_memory(const std::string& root) {
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
  for (const std::string& folder : group_folders(root, "memory")) {
    std::optional<long long> limit = number_in(folder + "/memory.max"), used = number_in(folder + "/memory.current");
    if (!used)
      limit = number_in(folder + "/memory.limit_in_bytes"), used = number_in(folder + "/memory.usage_in_bytes");
    if (!limit || !used || *limit < 0 || *used < 0) continue;
    const auto most = static_cast<std::uint64_t>(*limit), taken = static_cast<std::uint64_t>(*used);
    const std::uint64_t held = taken - std::min(taken, droppable(folder + "/memory.stat"));
    left = std::min(left, most - std::min(most, held));
  }
  return left;
}

}  // namespace fu
