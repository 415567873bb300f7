// What the system says about the test program itself.
#pragma once

#include <fstream>
#include <string>

#include "core/base.h"

namespace fu::test {

/// A number of /proc/self/status: "Threads", or "VmRSS" in kB; 0 if it is not there.
inline Index process_status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;)
    if (word == name + ":") {
      Index value = 0;
      file >> value;
      return value;
    }
  return 0;
}
inline Index thread_count() { return process_status("Threads"); }
inline Index resident_kb() { return process_status("VmRSS"); }

}  // namespace fu::test
