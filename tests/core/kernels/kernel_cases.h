// Test cases of kernels. core/kernels/kernels.def is expanded into kernel_cases_NAME for every kernel, so a kernel
// without cases does not link. test_kernels.cpp runs them; cases_FAMILY.cpp beside it define them.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/isa.h"
#include "tests/support.h"

namespace fu::test {

/// Calls the kernel through a table and returns everything that it wrote.
using KernelRun = std::function<Tensor(const Kernels&)>;

struct KernelCase {
  std::string name;
  KernelRun run;
  double tolerance;  // of the error relative to the largest value of the definition's result
};

struct KernelCases {
  std::vector<KernelCase> all;
  Random random{7};  // for inputs

  void add(const std::string& name, KernelRun run, double tolerance = kTolerance) {
    all.push_back({name, std::move(run), tolerance});
  }
};

/// Lengths 0, 1, and those around the width of a vector of 2, 4, 8 and 16 lanes.
const std::vector<Index> kLengths = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33};

constexpr real kNan = std::numeric_limits<real>::quiet_NaN();

/// Memory for n outputs and 16 more, all NaN. A kernel that leaves out an output or writes behind the last one differs
/// from the definition there.
inline Tensor outputs(Index n) { return Tensor::full({n + 16}, kNan); }

/// Outputs that start with the numbers of x, 16 NaNs behind them: for kernels that change their argument.
inline Tensor outputs_like(const Tensor& x) {
  Tensor y = outputs(x.size());
  for (Index i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i];
  return y;
}

/// Scratch memory of n reals, all NaN: a kernel may not read what it has not written.
inline Tensor scratch_of(Index n) { return outputs(n); }

/// Several results as one.
inline Tensor joined(const std::vector<Tensor>& parts) {
  Index n = 0;
  for (const Tensor& t : parts) n += t.size();
  Tensor y({n});
  real* out = y.data();
  for (const Tensor& t : parts) out = std::copy(t.data(), t.data() + t.size(), out);
  return y;
}

/// "n 5, inner 3" from {"n", 5}, {"inner", 3}.
inline std::string label(const std::vector<std::pair<const char*, Index>>& sizes) {
  std::string text;
  for (const auto& [name, size] : sizes)
    text += (text.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(size);
  return text;
}

#define FU_KERNEL(result, name, arguments) void kernel_cases_##name(KernelCases& cases);
#define FU_KERNEL_SIZE(name, arguments)
#include "core/kernels/kernels.def"

}  // namespace fu::test
