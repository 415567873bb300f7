// Reference cases from PyTorch: a .safetensors each, with metadata `op` and `attrs` (JSON), tensors `in.*`, `param.*`,
// `out.*`, `cot.*` and `grad.*` in PyTorch's layout (B,C,H,W): grad.X is the gradient of the sum over outputs of out *
// cot.
#pragma once

#include <string>
#include <vector>

namespace fu {

/// The result of one case.
struct GoldenResult {
  std::string name, op, detail;  // detail: why it failed or was skipped
  enum class Status { passed, failed, skipped, unknown } status = Status::failed;
  double error = 0;      // largest error over the largest magnitude of the output, over all outputs
  double tolerance = 0;  // that it must not exceed
  int gradients = 0;     // that the case holds and that were compared
  // Largest error over the largest magnitude of a gradient, over all of them; at most 1e-3 passes.
  double gradient_error = 0;
};

/// Runs one case. `shared` is the folder that holds models and photos, for the cases made from real ones; empty: those
/// are skipped.
GoldenResult run_golden(const std::string& path, const std::string& shared);

/// All case files of a folder, sorted. Throws FileError if it cannot be read.
std::vector<std::string> golden_files(const std::string& folder);

}  // namespace fu
