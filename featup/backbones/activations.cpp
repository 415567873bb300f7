#include "featup/backbones/activations.h"

#include <algorithm>

#include "core/error.h"

namespace fu {

namespace {

/// The first name of each is the one that is said.
const std::vector<std::pair<std::string, Activation>>& activation_names() {
  static const std::vector<std::pair<std::string, Activation>> names = {
      {"erf", Activation::gelu},
      {"gelu", Activation::gelu},
      {"gelu_python", Activation::gelu},
      {"quick", Activation::quick_gelu},
      {"quick_gelu", Activation::quick_gelu},
      {"tanh", Activation::tanh_gelu},
      {"gelu_pytorch_tanh", Activation::tanh_gelu},
      {"gelu_tanh", Activation::tanh_gelu},
      {"gelu_new", Activation::tanh_gelu},
  };
  return names;
}

}  // namespace

Activation choose_activation(const std::string& path, const std::string& option,
                             const std::optional<Stated<std::string>>& stated, Activation usual,
                             const std::string& because, std::vector<BackboneSetting>& settings) {
  std::string name = option, source = "option";
  if (name == "auto" && stated) name = stated->value, source = stated->source;
  Activation chosen = usual;
  if (name == "auto") {
    source = because;
  } else {
    const auto& names = activation_names();
    const auto it = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == name; });
    require<FileError>(it != names.end(), path, ": ", source, " wants the activation '", name,
                       "', which this program does not have.");
    chosen = it->second;
  }
  for (const auto& [known, activation] : activation_names())
    if (activation == chosen) {
      settings.push_back({"activation", known, source});
      break;
    }
  return chosen;
}

}  // namespace fu
