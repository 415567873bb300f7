// Reference cases from the original code. Of an op or a module: a .safetensors with metadata `op` and `attrs` (JSON),
// tensors `in.*`, `param.*`, `out.*`, `cot.*` and `grad.*` in PyTorch's layout (B,C,H,W): grad.X is the gradient of the
// sum over outputs of out * cot. Of a backbone: see golden_backbones.cpp.
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

/// Whether the path is a backbone's case; running it sets everything but the name.
bool is_backbone_case(const std::string& path);
void run_backbone_case(const std::string& path, GoldenResult& result);

/// Runs one case. `shared` is the folder that holds models and photos, for the cases made from real ones; empty: those
/// are skipped.
GoldenResult run_golden(const std::string& path, const std::string& shared);

/// All cases of a folder, sorted: files with an op, backbones' expected outputs, and folders of models that hold some.
/// The path itself may be such a case. Other files are passed over. Throws FileError if it cannot be read.
std::vector<std::string> golden_files(const std::string& folder);

}  // namespace fu
