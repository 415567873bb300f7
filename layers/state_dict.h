// All parameters of a module as named tensors: to a file and back, with a list of every name that does not fit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/module.h"

namespace fu {

/// What keeps named tensors from being a module's parameters.
struct StateDifferences {
  std::vector<std::string> missing;     // parameters without a tensor
  std::vector<std::string> unexpected;  // tensors without a parameter
  std::vector<std::string> misshapen;   // "fc.weight (4,3), expected (4,2)"

  /// Whether all fit.
  bool none() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
  /// "missing: a, b; unexpected: c; of another shape: ..."; of each the first twenty.
  std::string text() const;
};

/// The parameters and buffers by their full names, in the layout of PyTorch's files. Changing one changes no parameter.
std::map<std::string, Tensor> state_dict(Module& module, const std::string& prefix = "");

/// Gives the parameters the values of tensors with exactly their names behind prefix; other tensors that do not begin
/// with prefix are left alone.
/// strict: throws FileError with the list of all differences, and changes nothing, if there are any. Else what fits is
/// loaded, and the differences are returned. throws FileError too for numbers that are not finite.
/// @code
/// Random random(1);
/// Linear a(3, 2, &random), b(3, 2, &random);
/// save_state_dict(a, "layer.safetensors");
/// load_state_dict(b, Weights("layer.safetensors"));
/// assert(a.bias.value.data()[1] == b.bias.value.data()[1]);
/// @endcode
StateDifferences load_state_dict(Module& module, const Weights& weights, const std::string& prefix = "",
                                 bool strict = true);
/// The same for tensors in memory. They are copied.
StateDifferences load_state_dict(Module& module, const std::map<std::string, Tensor>& tensors,
                                 const std::string& prefix = "", bool strict = true);

/// Writes state_dict(module) as .safetensors in float32, with metadata.
void save_state_dict(Module& module, const std::string& path, const std::map<std::string, std::string>& metadata = {});

}  // namespace fu
