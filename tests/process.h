// What the system says about the test program itself.
#pragma once

#include <sys/resource.h>

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
#ifndef FU_ADDRESS_SANITIZER
/// Until the end of the scope no file can be opened. Not with sanitizers: to look at an exception they open a pipe, and
/// report its memory as damaged where they cannot.
class WithoutDescriptors {
 public:
  WithoutDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~WithoutDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  WithoutDescriptors(const WithoutDescriptors&) = delete;
  WithoutDescriptors& operator=(const WithoutDescriptors&) = delete;

 private:
  rlimit before_{};
};
#endif

inline Index thread_count() { return process_status("Threads"); }
inline Index resident_kb() { return process_status("VmRSS"); }

}  // namespace fu::test
